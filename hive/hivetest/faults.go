package hivetest

import "strings"

// Fault is a SYSTEM hive that is sound as a hive but wrong as what it is for.
type Fault struct {
	Name string
	Hive func() Hive
}

// Faults returns the hives that are wrong about Select, control sets, or the
// value Windows, one way each. All are the Windows10 sample after one change.
func Faults() []Fault {
	fault := func(name string, change func(*Hive)) Fault {
		return Fault{Name: name, Hive: changed(Windows10, change)}
	}
	setSelect := func(values ...Value) func(*Hive) {
		return func(hive *Hive) {
			for _, value := range values {
				hive.Key("Select").SetValue(value)
			}
		}
	}
	faults := []Fault{
		fault("select-missing", func(hive *Hive) { hive.Root.DeleteSubkey("Select") }),
		fault("select-empty", func(hive *Hive) { hive.Key("Select").Values = nil }),
		fault("select-current-missing", func(hive *Hive) { hive.Key("Select").DeleteValue("Current") }),
		fault("select-default-missing", func(hive *Hive) { hive.Key("Select").DeleteValue("Default") }),
		fault("select-current-is-text", setSelect(sz("Current", "1"))),
		fault("select-current-of-2-bytes", setSelect(Value{Name: "Current", Type: TypeDWORD, Data: []byte{1, 0}})),
		fault("select-current-is-binary", setSelect(blob("Current", DWORD(1)))),
		fault("select-current-0", setSelect(dword("Current", 0), dword("Default", 0))),
		fault("select-current-1000", setSelect(dword("Current", 1000), dword("Default", 1000))),
		fault("control-set-absent", setSelect(dword("Current", 7), dword("Default", 7))),
		fault("current-control-set-is-real", func(hive *Hive) {
			hive.Root.Subkeys = append(hive.Root.Subkeys, Key{Name: "CurrentControlSet", Subkeys: []Key{{Name: "Control"}}})
		}),
		fault("subsystems-key-absent", func(hive *Hive) {
			hive.Key(`ControlSet001\Control\Session Manager`).DeleteSubkey("SubSystems")
		}),
		fault("value-absent", func(hive *Hive) { hive.Key(SubSystems).DeleteValue(ValueWindows) }),
		fault("value-is-sz", setWindows(func(value *Value) { value.Type = TypeSZ })),
		fault("value-is-multi-sz", setWindows(func(value *Value) { value.Type, value.Data = TypeMultiSZ, append(value.Data, 0, 0) })),
		fault("value-empty", setWindows(func(value *Value) { value.Data = nil })),
		fault("value-without-nul", setWindows(func(value *Value) { value.Data = value.Data[:len(value.Data)-2] })),
		fault("value-with-three-nuls", setWindows(func(value *Value) { value.Data = append(value.Data, 0, 0, 0, 0) })),
		fault("value-of-odd-length", setWindows(func(value *Value) { value.Data = append(value.Data, 0) })),
	}
	for _, command := range commandFaults() {
		faults = append(faults, Fault{Name: command.name, Hive: func() Hive { return Windows10With(command.text) }})
	}
	return faults
}

// Windows10With returns the Windows10 sample with another command line.
func Windows10With(command string) Hive {
	hive := Windows10()
	hive.Key(SubSystems).SetValue(expandSZ(ValueWindows, command))
	return hive
}

func setWindows(change func(*Value)) func(*Hive) {
	return func(hive *Hive) { change(hive.Key(SubSystems).Value(ValueWindows)) }
}

type commandFault struct {
	name, text string
}

// commandFaults are command lines with which csrss does not start or that it
// and win32k read otherwise than they look.
func commandFaults() []commandFault {
	token := func(name, token string) commandFault {
		return commandFault{"token-" + name, CommandLine(token, CommandTailWin10)}
	}
	tail := func(name, old, replacement string) commandFault {
		return commandFault{"tail-" + name, CommandLine("SharedSection=1024,20480,768", strings.Replace(CommandTailWin10, old, replacement, 1))}
	}
	stock := CommandLine("SharedSection=1024,20480,768", CommandTailWin10)
	return []commandFault{
		{"token-absent", CommandHead + " " + CommandTailWin10},
		{"token-after-server-dll", CommandHead + " " + CommandTailWin10 + " SharedSection=1024,20480,768"},
		{"token-behind-600-characters", CommandHead + " Padding=" + strings.Repeat("x", 600) + " SharedSection=1024,20480,768 " + CommandTailWin10},
		token("twice", "SharedSection=1024,20480,768 SharedSection=1024,20480,4096"),
		token("with-blank-after-first-comma", "SharedSection=1024, 20480,768"),
		token("with-blank-after-second-comma", "SharedSection=1024,20480, 768"),
		token("with-blank-before-equals", "SharedSection =1024,20480,768"),
		token("with-one-number", "SharedSection=1024"),
		token("with-one-number-and-comma", "SharedSection=1024,"),
		token("without-text", "SharedSection="),
		token("without-equals", "SharedSection"),
		token("with-empty-second", "SharedSection=1024,,768"),
		token("with-empty-third", "SharedSection=1024,20480,"),
		token("in-lower-case", "sharedsection=1024,20480,768"),
		token("with-small-third", "SharedSection=1024,20480,64"),
		token("with-small-second", "SharedSection=1024,256,64"),
		token("in-hex", "SharedSection=0x400,0x5000,0x300"),
		token("of-46-characters", "SharedSection=0x00000400,0x00010000,0x00001000"),
		token("of-33-characters", "SharedSection=1024,10485760,65536"),
		token("with-trailing-text", "SharedSection=1024,20480KB,768KB"),
		token("with-thousands-separators", "SharedSection=1,024,20,480,768"),
		token("with-four-numbers", "SharedSection=1024,20480,768,512"),
		token("in-quotes", `SharedSection="1024,20480,768"`),
		token("with-semicolons", "SharedSection=1024;20480;768"),
		token("with-first-0", "SharedSection=0,20480,768"),
		token("with-negative-second", "SharedSection=1024,-1,768"),
		tail("windows-on", "Windows=On", "Windows On"),
		tail("max-request-threads-without-number", "MaxRequestThreads=16", "MaxRequestThreads"),
		tail("unknown-last-token", "MaxRequestThreads=16", "MaxRequestThreads=16 foo"),
		tail("of-windows-7", " ServerDll=sxssrv,4", " ServerDll=winsrv:ConServerDllInitialization,2 ServerDll=sxssrv,4"),
		{"head-expanded", strings.Replace(stock, "%SystemRoot%", `X:\Windows`, 1)},
		{"head-lost", "Windows SharedSection=1024,20480,20480"},
	}
}
