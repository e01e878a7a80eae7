package hivetest

import "fmt"

// NT4 returns a SYSTEM hive of Windows NT 4.0: version 1.3 with lf lists, two
// control sets, Select naming the first as Current and Default and the second
// as LastKnownGood, and the value as Microsoft's article Q142676 quotes it,
// SharedSection=1024,3072. It has free cells of many sizes.
func NT4() Hive {
	return Hive{
		Minor: 3, Sequence1: 194, Sequence2: 194, Timestamp: LastWritten,
		FileName: `SYSTEM`, Residue: Noise(0x1FC-0x70, 4),
		Root: Key{
			Name: "$$$PROTO.HIV", AccessBits: 0, VolatileCount: 2,
			Subkeys: []Key{
				controlSetNT4("ControlSet001", 4),
				controlSetNT4("ControlSet002", 4),
				{Name: "DISK", Values: []Value{blob("Information", Noise(1244, 5))}},
				selectKey(1, 1, 0, 2),
				{Name: "Setup", Hole: 4000, Values: []Value{
					dword("SetupType", 0), sz("CmdLine", `setup -newsetup`), dword("SystemSetupInProgress", 0),
					sz("SystemPartition", `\Device\Harddisk0\Partition1`), sz("OsLoaderPath", `\`),
				}},
			},
		},
	}
}

func controlSetNT4(name string, seed uint32) Key {
	command := CommandLine("SharedSection=1024,3072", CommandTailNT4)
	return Key{Name: name, Subkeys: []Key{
		{
			Name:   "Control",
			Values: []Value{sz("CurrentUser", "USERNAME"), sz("SystemStartOptions", ""), expandSZ("WaitToKillServiceTimeout", "20000")},
			Subkeys: []Key{
				{Name: "ComputerName", Subkeys: []Key{{Name: "ComputerName", Values: []Value{sz("ComputerName", "SAMPLE")}}}},
				{Name: "CrashControl", Values: []Value{dword("AutoReboot", 1), dword("CrashDumpEnabled", 0), expandSZ("DumpFile", `%SystemRoot%\MEMORY.DMP`)}},
				{Name: "FileSystem", Values: []Value{dword("Win31FileSystem", 0), dword("NtfsDisable8dot3NameCreation", 0)}},
				{Name: "GroupOrderList", Values: []Value{blob("Base", Noise(32, seed)), blob("Keyboard Class", []byte{1, 0, 0, 0, 1, 0, 0, 0}), blob("SCSI miniport", Noise(136, seed+1))}},
				lsa(0x4E543400 + seed),
				{Name: "Nls", Subkeys: []Key{
					{Name: "CodePage", Values: []Value{sz("1252", "c_1252.nls"), sz("ACP", "1252"), sz("OEMCP", "850"), sz("10000", "")}},
					{Name: "Language", Values: []Value{sz("Default", "0409"), sz("0407", "l_intl.nls"), sz("0409", "l_intl.nls")}},
				}},
				{Name: "ProductOptions", Values: []Value{sz("ProductType", "LanmanNT"), multiSZ("ProductSuite")}},
				{Name: "ServiceGroupOrder", Hole: 900, Values: []Value{multiSZ("List", "System Bus Extender", "SCSI miniport", "port", "Primary disk", "SCSI class", "SCSI CDROM class", "filter", "boot file system", "Base", "Keyboard Port", "Video", "Event log", "NetworkProvider", "PNP_TDI")}},
				sessionManager(subSystems(command, `%SystemRoot%\system32\win32k.sys`), Key{Name: "AppPatches"},
					Key{Name: "KnownDLLs", Hole: 48, Values: []Value{sz("advapi32", "advapi32.dll"), expandSZ("DllDirectory", `%SystemRoot%\system32`), sz("kernel32", "kernel32.dll"), sz("user32", "user32.dll")}}),
				{Name: "TimeZoneInformation", Values: []Value{dword("ActiveTimeBias", 300), dword("Bias", 300), sz("StandardName", "Eastern Standard Time"), blob("StandardStart", []byte{0, 0, 10, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0})}},
				{Name: "Windows", Values: []Value{expandSZ("Directory", `%SystemRoot%`), expandSZ("SystemDirectory", `%SystemRoot%\system32`), dword("CSDVersion", 0x300)}},
				{Name: "WOW", Values: []Value{expandSZ("cmdline", `%SystemRoot%\system32\ntvdm.exe`), sz("DefaultSeparateVDM", "no"), sz("size", "0")}},
			},
		},
		{Name: "Hardware Profiles", Subkeys: []Key{{Name: "0001", Subkeys: []Key{{Name: "System", Subkeys: []Key{{Name: "CurrentControlSet"}}}}}}},
		{Name: "Services", Subkeys: services(), Hole: 200},
	}}
}

// Windows7 returns a SYSTEM hive of Windows 7: version 1.5 with lh lists, one
// control set, SharedSection=1024,20480,768. It is small.
func Windows7() Hive {
	command := CommandLine("SharedSection=1024,20480,768", CommandTailWin7)
	return Hive{
		Minor: 5, Sequence1: 4, Sequence2: 4, Timestamp: LastWritten,
		FileName: `\SystemRoot\System32\Config\SYSTEM`, RmID: guid(7), TmID: guid(8), Flags: 1,
		Root: Key{Name: "CMI-CreateHive{2A7FB991-7BBE-4F9D-B91E-7CB51D4737F5}", Subkeys: []Key{
			{Name: "ControlSet001", Subkeys: []Key{
				{Name: "Control", Values: []Value{sz("CurrentUser", "USERNAME"), dword("BootDriverFlags", 0x1C)}, Subkeys: []Key{
					lsa(0x77000000),
					sessionManager(subSystems(command, `\SystemRoot\System32\win32k.sys`), Key{Name: "Power", Values: []Value{blob("AcPolicy", Noise(232, 9))}}),
				}},
				{Name: "Services", Subkeys: services(), Hole: 600},
			}},
			{Name: "MountedDevices", Values: []Value{blob(`\DosDevices\C:`, Noise(12, 10)), blob(`\??\Volume{0d5a13e1-0000-11ee-a8a0-806e6f6e6963}`, Noise(12, 10))}},
			selectKey(1, 1, 0, 1),
			{Name: "Setup", Values: []Value{dword("SetupType", 0), dword("SystemSetupInProgress", 0), sz("CmdLine", "")}},
		}},
	}
}

// Places in Windows10 that tests use for what is special there.
const (
	Windows10ManyKeys = `DriverDatabase\DeviceIds\PCI`                                                                                                                              // an ri list
	Windows10BigData  = `ControlSet001\Control\Session Manager\AppCompatCache`                                                                                                      // values of 16344 and 16345 bytes
	Windows10Link     = `ControlSet001\Hardware Profiles\Current`                                                                                                                   // a symbolic link
	Windows10Class    = `ControlSet001\Control\Lsa\JD`                                                                                                                              // a class name
	Windows10Wide     = `ControlSet001\Services\Служба`                                                                                                                             // a UTF-16 name
	Windows10Latin1   = `ControlSet001\Services\Überwachung`                                                                                                                        // a Latin-1 name
	Windows10Values   = `Setup\Samples`                                                                                                                                             // data of 0 to 5 bytes, default value
	Windows10Depth    = `ControlSet001\Enum\PCI\VEN_8086&DEV_1237&SUBSYS_00000000&REV_02\3&267a616a&0&00\Device Parameters\Interrupt Management\MessageSignaledInterruptProperties` // a long path
)

// Windows10 returns a SYSTEM hive of Windows 10: version 1.5 with lh lists, one
// control set, SharedSection=1024,20480,768, and an instance of everything that
// such a hive may hold: an ri list, big data, inline data of every length,
// names in UTF-16 and in Latin-1, class names, a symbolic link.
func Windows10() Hive {
	command := CommandLine("SharedSection=1024,20480,768", CommandTailWin10)
	return Hive{
		Minor: 5, Sequence1: 1622, Sequence2: 1622,
		FileName: `\SystemRoot\System32\Config\SYSTEM`, RmID: guid(1), TmID: guid(2), Flags: 1, LastReorganize: 131547777001360001,
		Trailing: 3 * PageSize,
		Root: Key{Name: "ROOT", AccessBits: 3, VolatileCount: 1, Subkeys: []Key{
			{Name: "ActivationBroker", AccessBits: 2, Subkeys: []Key{{Name: "Plugins", AccessBits: 2}}},
			{Name: "ControlSet001", Subkeys: []Key{
				controlWindows10(command),
				{Name: "Enum", Security: ReadableDescriptor(), Subkeys: []Key{enumWindows10()}},
				{Name: "Hardware Profiles", Subkeys: []Key{
					{Name: "0001", Values: []Value{sz("FriendlyName", "Profil standard")}},
					{Name: "Current", Flags: KeySymbolicLink, Values: []Value{{Name: "SymbolicLinkValue", Type: TypeLink, Data: Link(`\Registry\Machine\System\ControlSet001\Hardware Profiles\0001`)}}},
				}},
				{Name: "Services", Hole: 700, Subkeys: append(services(),
					service("Überwachung", 0x10, 3, "", `C:\Programme\Überwachung\dienst.exe`),
					service("Служба", 0x10, 3, "", `C:\Служба\служба.exe`),
					service("サービス", 0x10, 4, "", ""),
					service("ﬀ-ligature", 0x10, 4, "", ""),
					service("emoji😀", 0x10, 4, "", ""),
					service("_under", 0x10, 4, "", ""),
				)},
			}},
			{Name: "DriverDatabase", Values: []Value{dword("Version", 0xA00), dword("SchemaVersion", 0x10000)}, Subkeys: []Key{
				{Name: "DeviceIds", Subkeys: []Key{manyKeys("PCI", 520)}},
			}},
			{Name: "HardwareConfig", Values: []Value{sz("LastConfig", "{4c4c4544-0042-3510-8052-b4c04f4d3732}"), dword("LastId", 0)}},
			{Name: "MountedDevices", Values: []Value{blob(`\DosDevices\C:`, Noise(24, 11)), blob(`\??\Volume{0d5a13e1-0000-11ee-a8a0-806e6f6e6963}`, Noise(24, 11))}},
			{Name: "RNG", Values: []Value{blob("Seed", Noise(64, 12))}},
			selectKey(1, 1, 0, 1),
			{Name: "Setup", Values: []Value{dword("SetupType", 0), dword("SystemSetupInProgress", 0), sz("CmdLine", ""), sz("OsLoaderPath", `\`)}, Subkeys: []Key{
				{Name: "Samples", Class: "Sample class", UserFlags: 0x20, Values: sampleValues()},
				{Name: "Upgrade"},
			}},
			{Name: "WPA", AccessBits: 2},
		}},
	}
}

func controlWindows10(command string) Key {
	big := Noise(SegmentData+1, 13)
	copy(big, "db") // big data is known by its length, not by its bytes
	return Key{
		Name:   "Control",
		Values: []Value{dword("BootDriverFlags", 0x1C), sz("CurrentUser", "USERNAME"), sz("SystemBootDevice", "multi(0)disk(0)rdisk(0)partition(2)"), {Name: "LastBootSucceeded", Type: TypeQWORD, Data: QWORD(LastWritten)}},
		Subkeys: []Key{
			{Name: "CMF", Subkeys: []Key{{Name: "SqmData", VolatileCount: 3}}},
			{Name: "ComputerName", Subkeys: []Key{{Name: "ComputerName", Values: []Value{sz("", "mnmsrvc"), sz("ComputerName", "SAMPLE")}}}},
			lsa(0x10000000),
			{Name: "ProductOptions", Values: []Value{sz("ProductType", "WinNT"), blob("ProductPolicy", append([]byte("db"), Noise(3000, 14)...))}},
			sessionManager(subSystems(command, `\SystemRoot\System32\win32k.sys`),
				Key{Name: "AppCompatCache", ListSlack: 20, Values: []Value{blob("AppCompatCache", big), blob("CacheMainSdb", Noise(SegmentData, 15))}},
				Key{Name: "KnownDLLs", Values: []Value{sz("kernel32", "kernel32.dll"), sz("*kernel32", "kernel32.dll"), sz("user32", "user32.dll")}}),
		},
	}
}

// sampleValues has data of every length around the one that is stored inline.
// No name needs UTF-16: reged aborts on such a value, which Exotic has.
func sampleValues() []Value {
	return []Value{
		sz("", "the default value"),
		{Name: "empty", Type: TypeNone},
		blob("1 byte", []byte{1}), blob("2 bytes", []byte{1, 2}), blob("3 bytes", []byte{1, 2, 3}), blob("4 bytes", []byte{1, 2, 3, 4}), blob("5 bytes", []byte{1, 2, 3, 4, 5}),
		{Name: "grüße", Type: TypeSZ, Data: SZ("Grüße")},
		{Name: "unterminated", Type: TypeSZ, Data: Link("no NUL")},
		{Name: "odd", Type: TypeExpandSZ, Data: append(SZ("odd length"), 0)},
		{Name: "type", Type: 0xFFFF0012, Data: DWORD(18)},
		{Name: `back\slash`, Type: TypeQWORD, Data: QWORD(1 << 40), Slack: 24, Spare: 0x6C},
	}
}

// manyKeys returns a key with n subkeys.
func manyKeys(name string, n int) Key {
	key := Key{Name: name}
	for i := range n {
		subkey := Key{Name: fmt.Sprintf("VEN_8086&DEV_%04X", 0x1000+7*i)}
		if i%64 == 0 {
			subkey.Values = []Value{{Name: "oem1.inf", Type: TypeBinary, Data: []byte{1, 0xFF, 0, 0}}}
		}
		key.Subkeys = append(key.Subkeys, subkey)
	}
	return key
}

func enumWindows10() Key {
	return Key{Name: "PCI", Subkeys: []Key{{Name: "VEN_8086&DEV_1237&SUBSYS_00000000&REV_02", Subkeys: []Key{{
		Name:   "3&267a616a&0&00",
		Values: []Value{sz("DeviceDesc", "@machine.inf,%pci\\ven_8086&dev_1237.devicedesc%;Host bridge"), multiSZ("HardwareID", `PCI\VEN_8086&DEV_1237&SUBSYS_00000000&REV_02`, `PCI\VEN_8086&DEV_1237`)},
		Subkeys: []Key{{Name: "Device Parameters", Subkeys: []Key{{Name: "Interrupt Management", Subkeys: []Key{{
			Name: "MessageSignaledInterruptProperties", Values: []Value{dword("MSISupported", 0)},
		}}}}}},
	}}}}}
}

// Layered returns a differencing hive as containers use it: version 1.6, with
// merged, deleted and superseded keys and a deleted value.
func Layered() Hive {
	merge := byte(LayerInheritClass | LayerMerge)
	return Hive{
		Minor: 6, Sequence1: 6, Sequence2: 6, Flags: 2, FileName: `SandboxState\Hives\system_Delta`,
		Root: Key{Name: "ROOT", Layer: merge, Subkeys: []Key{
			{Name: "ControlSet001", Layer: merge, Subkeys: []Key{
				{Name: "Control", Layer: merge, Values: []Value{sz("CurrentUser", "USERNAME"), {Name: "Gone", Tombstone: true}}},
				{Name: "Deleted", Layer: LayerTombstone},
				{Name: "Replaced", Layer: LayerSupersedeTree, Subkeys: []Key{
					{Name: "Child", Layer: LayerSupersedeTree, Values: []Value{dword("Start", 2)}},
					{Name: "Deleted", Layer: LayerTombstone},
				}},
				{Name: "Local", Layer: LayerSupersedeLocal, Subkeys: []Key{{Name: "Child", Layer: merge}}},
			}},
			{Name: "Select", Layer: merge, Values: []Value{dword("Current", 1), dword("Default", 1)}},
		}},
	}
}

// NT31 returns a hive of the old cell layout: version 1.1, as Windows NT 3.1
// and 3.5 have it, or 1.0 with minor 0.
func NT31(minor uint32) Hive {
	return Hive{
		Minor: minor, Sequence1: 25, Sequence2: 25, Timestamp: LastWritten, FileName: `SystemRoot\System32\Config\SYSTEM`,
		Root: Key{Name: "System", Subkeys: []Key{
			{Name: "ControlSet001", Subkeys: []Key{{Name: "Control", Subkeys: []Key{
				sessionManager(subSystems(CommandLine("SharedSection=1024,512", CommandTailNT4), `%SystemRoot%\system32\win32k.sys`)),
			}}}},
			selectKey(1, 1, 0, 1),
		}},
	}
}

// Exotic returns a hive whose names test every rule of the order and of the
// hashes: unpaired surrogates, NUL, characters outside the BMP, case pairs of
// many scripts. Programs that want valid UTF-16 cannot read it.
func Exotic() Hive {
	names := []string{
		"A", "b", "C", "_", "[", "`", "ab", "AC", "aB0", "ÿ", "Ÿz", "µ", "ß", "Ωmega", "ωmegb", "ı", "ſ", "İ", "привет", "ПРИВЕТ2",
		"x\xED\xA0\xBD", "x\xED\xB8\x80", "x😀", "x\uE000", "x\uFFFD", "nul\x00inside", "\x01", "txt\uF00D", "ａ", "Ｂ", "ა", "Ა", "ꭰ",
	}
	root := Key{Name: "exotic"}
	for _, name := range names {
		root.Subkeys = append(root.Subkeys, Key{Name: name, Values: []Value{sz(name, name)}})
	}
	return Hive{Minor: 5, Root: root}
}

// guid returns a GUID of the kind that a hive's transaction managers have.
func guid(seed uint32) [16]byte {
	return [16]byte(Noise(16, 0x6D000+seed))
}
