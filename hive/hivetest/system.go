package hivetest

import "fmt"

// Where the value that this module edits lies.
const (
	SubSystems    = `ControlSet001\Control\Session Manager\SubSystems`
	SubSystems002 = `ControlSet002\Control\Session Manager\SubSystems`
	ValueWindows  = "Windows"
)

// The command line of csrss around its SharedSection token, by Windows version.
const (
	CommandHead      = `%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows`
	CommandTailNT4   = `Windows=On SubSystemType=Windows ServerDll=basesrv,1 ServerDll=winsrv:UserServerDllInitialization,3 ServerDll=winsrv:ConServerDllInitialization,2 ProfileControl=Off MaxRequestThreads=16`
	CommandTailWin7  = `Windows=On SubSystemType=Windows ServerDll=basesrv,1 ServerDll=winsrv:UserServerDllInitialization,3 ServerDll=winsrv:ConServerDllInitialization,2 ServerDll=sxssrv,4 ProfileControl=Off MaxRequestThreads=16`
	CommandTailWin10 = `Windows=On SubSystemType=Windows ServerDll=basesrv,1 ServerDll=winsrv:UserServerDllInitialization,3 ServerDll=sxssrv,4 ProfileControl=Off MaxRequestThreads=16`
)

// CommandLine returns the command line of csrss with any text in the place of
// the SharedSection token.
func CommandLine(token, tail string) string {
	return CommandHead + " " + token + " " + tail
}

func sz(name, text string) Value { return Value{Name: name, Type: TypeSZ, Data: SZ(text)} }
func expandSZ(name, text string) Value {
	return Value{Name: name, Type: TypeExpandSZ, Data: ExpandSZ(text)}
}
func dword(name string, n uint32) Value   { return Value{Name: name, Type: TypeDWORD, Data: DWORD(n)} }
func blob(name string, data []byte) Value { return Value{Name: name, Type: TypeBinary, Data: data} }
func multiSZ(name string, texts ...string) Value {
	return Value{Name: name, Type: TypeMultiSZ, Data: MultiSZ(texts...)}
}

// selectKey returns the key that names the control sets.
func selectKey(current, defaultSet, failed, lastKnownGood uint32) Key {
	return Key{Name: "Select", Values: []Value{
		dword("Current", current), dword("Default", defaultSet), dword("Failed", failed), dword("LastKnownGood", lastKnownGood),
	}}
}

// subSystems returns the key of the session manager that starts csrss.
func subSystems(command, kmode string) Key {
	return Key{Name: "SubSystems", Values: []Value{
		expandSZ("Debug", ""),
		expandSZ("Kmode", kmode),
		multiSZ("Optional", "Posix"),
		expandSZ("Posix", `%SystemRoot%\system32\psxss.exe`),
		multiSZ("Required", "Debug", "Windows"),
		expandSZ(ValueWindows, command),
	}}
}

// sessionManager returns the key of the session manager with the subkeys that
// every version has, and more.
func sessionManager(subSystems Key, more ...Key) Key {
	return Key{
		Name: "Session Manager",
		Values: []Value{
			multiSZ("BootExecute", "autocheck autochk *"),
			dword("CriticalSectionTimeout", 2592000),
			multiSZ("ExcludeFromKnownDlls"),
			dword("GlobalFlag", 0),
			multiSZ("ObjectDirectories", `\Windows`, `\RPC Control`),
			dword("ProtectionMode", 1),
			dword("ResourceTimeoutCount", 648000),
		},
		Subkeys: append([]Key{
			subSystems,
			{Name: "DOS Devices", Values: []Value{
				sz("AUX", `\DosDevices\COM1`), sz("MAILSLOT", `\Device\MailSlot`), sz("NUL", `\Device\Null`),
				sz("PIPE", `\Device\NamedPipe`), sz("PRN", `\DosDevices\LPT1`), sz("UNC", `\Device\Mup`),
			}},
			{Name: "Environment", Values: []Value{
				expandSZ("ComSpec", `%SystemRoot%\system32\cmd.exe`), sz("OS", "Windows_NT"),
				expandSZ("Path", `%SystemRoot%\system32;%SystemRoot%`), expandSZ("windir", `%SystemRoot%`),
			}},
			{Name: "Executive", Values: []Value{dword("AdditionalCriticalWorkerThreads", 0), dword("AdditionalDelayedWorkerThreads", 0)}},
			{Name: "Memory Management", Values: []Value{
				dword("ClearPageFileAtShutdown", 0), dword("DisablePagingExecutive", 0), dword("LargeSystemCache", 0),
				multiSZ("PagingFiles", `C:\pagefile.sys 27 77`),
			}},
		}, more...),
	}
}

// lsa returns the key of the local security authority, whose subkeys hide the
// boot key in their class names. Only System and Administrators may read it.
func lsa(seed uint32) Key {
	key := Key{
		Name:     "Lsa",
		Security: ClosedDescriptor(),
		Values: []Value{
			multiSZ("Authentication Packages", "msv1_0"), blob("Bounds", []byte{0, 0x30, 0, 0, 0, 0x20, 0, 0}),
			multiSZ("Notification Packages", "scecli"), multiSZ("Security Packages", ""),
		},
	}
	for i, name := range []string{"Data", "GBG", "JD", "Skew1"} {
		key.Subkeys = append(key.Subkeys, Key{
			Name:   name,
			Class:  fmt.Sprintf("%08x", seed+uint32(i)*0x1F3D5B79),
			Values: []Value{blob("Lookup", Noise(6, seed+uint32(i)))},
		})
	}
	return key
}

// service returns the key of a driver or service.
func service(name string, kind, start uint32, group, path string) Key {
	key := Key{Name: name, Values: []Value{dword("ErrorControl", 1), dword("Start", start), dword("Type", kind)}}
	if group != "" {
		key.Values = append(key.Values, sz("Group", group))
	}
	if path != "" {
		key.Values = append(key.Values, expandSZ("ImagePath", path))
	}
	return key
}

// services returns the drivers and services that the samples share.
func services() []Key {
	keys := []Key{
		service("Atapi", 1, 0, "SCSI miniport", ""),
		service("Beep", 1, 1, "Base", ""),
		service("Browser", 0x20, 2, "", `%SystemRoot%\System32\services.exe`),
		service("Cdrom", 1, 1, "SCSI CDROM Class", ""),
		service("Disk", 1, 0, "SCSI Class", ""),
		service("EventLog", 0x20, 2, "Event log", `%SystemRoot%\system32\services.exe`),
		service("Fastfat", 2, 4, "Boot file system", ""),
		service("i8042prt", 1, 1, "Keyboard Port", `System32\DRIVERS\i8042prt.sys`),
		service("LanmanServer", 0x20, 2, "", `%SystemRoot%\System32\services.exe`),
		service("LanmanWorkstation", 0x20, 2, "NetworkProvider", `%SystemRoot%\System32\services.exe`),
		service("Ntfs", 2, 4, "Boot file system", ""),
		service("Null", 1, 1, "Base", ""),
		service("RpcSs", 0x20, 2, "", `%SystemRoot%\system32\RpcSs.exe`),
		service("Schedule", 0x10, 3, "", `%SystemRoot%\System32\AtSvc.Exe`),
		service("Spooler", 0x110, 2, "SpoolerGroup", `%SystemRoot%\system32\spoolss.exe`),
		service("Tcpip", 1, 2, "PNP_TDI", `System32\drivers\tcpip.sys`),
		service("VgaSave", 1, 1, "Video Save", `System32\drivers\vga.sys`),
	}
	for i := range keys {
		switch keys[i].Name {
		case "EventLog":
			keys[i].Subkeys = []Key{{Name: "System", Values: []Value{
				expandSZ("File", `%SystemRoot%\system32\config\SysEvent.Evt`), dword("MaxSize", 0x80000), dword("Retention", 604800),
			}, Subkeys: []Key{{Name: "Disk", Values: []Value{
				expandSZ("EventMessageFile", `%SystemRoot%\System32\IoLogMsg.dll`), dword("TypesSupported", 7),
			}}}}}
		case "RpcSs", "LanmanServer":
			keys[i].Subkeys = []Key{{Name: "Security", Security: ReadableDescriptor(), Values: []Value{blob("Security", DefaultDescriptor())}}}
		case "Tcpip":
			keys[i].Subkeys = []Key{{Name: "Parameters", Values: []Value{
				expandSZ("DataBasePath", `%SystemRoot%\System32\drivers\etc`), sz("Domain", ""), sz("Hostname", "sample"), dword("IPEnableRouter", 0),
			}}}
		}
	}
	return keys
}
