package policy

import "hivepatch/hive"

// seeds are policies with all that one can say.
func seeds() []string {
	return []string{
		"version: 1\nhives: {BCD: {keys: [a]}}\n",
		"version: 1\nhives: {BCD: {keys: ['HKLM/a\\b', '/HKLM\\b', 'HKCU/\\', '/HKEY_a\\b', 'a/HKLM']}}\n",
		"version: 0x1\nusers:\n  '*':\n    NTUSER.DAT: &u\n      keys: [{key: Software/A}]\n  Alice B: {NTUSER.DAT: *u, UsrClass.dat: {absent_values: [{key: '', name: '@'}]}}\nhives: {}\n",
		systemPolicy("control_set: 2\nkeys: [CurrentControlSet, {key: CurrentControlSet\\A, control_set: all}]\nabsent_keys: [A\\B, {key: CurrentControlSet\\B, control_set: 0x3}]\n"),
		systemPolicy("desktop_heap: {noninteractive: 512, interactive: 3072, shared: 1024, repair: false, control_set: default}\n"),
		systemPolicy("desktop_heap: {shared_section: '1024,2048'}\n"),
		systemPolicy("desktop_heap: {preset: orchestrator:120, repair: true}\n"),
		systemPolicy("desktop_heap: {repair: true}\n"),
		systemPolicy(`absent_values: [{key: CurrentControlSet\A, name: '', control_set: current}]
values:
  - {key: A, name: a, type: sz, data: text}
  - {key: A, name: b, type: REG_EXPAND_SZ, data: '%x%'}
  - {key: A, name: c, type: link, data: \Registry}
  - {key: A, name: d, type: multi_sz, data: [a, b]}
  - {key: A, name: e, type: dword, data: 4294967295}
  - {key: A, name: f, type: dword_be, data: 0}
  - {key: A, name: g, type: qword, data: 18446744073709551615}
  - {key: A, name: h, type: binary, data: 'aa bb'}
  - {key: A, name: i, type: none, data: ''}
  - {key: A, name: j, type: 7, hex: 'ff'}
  - {key: A, name: k, type: 0xffffffff, data: '00,11'}
  - key: CurrentControlSet\A
    name: l
    type: binary
    data: >
      00 11
      22
    control_set: lastknowngood
`),
	}
}

func typeOf(number int) hive.Type { return hive.Type(number) }
