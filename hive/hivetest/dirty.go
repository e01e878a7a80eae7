package hivetest

import "slices"

// second is a second in units of a FILETIME.
const second = 10_000_000

// DirtyWindows10 returns a Windows 10 hive that was not closed: primary 1622
// and 1621, two entries in LOG1, 1621 and 1622, and three in LOG2 up to 1625.
// Only the last one changes the value Windows, to SharedSection=1024,20480,1024;
// the fourth makes the hive grow. Recovered has the numbers 1626.
func DirtyWindows10() DirtyHive {
	return windows10Session().Dirty()
}

func windows10Session() Session {
	image := Windows10().Build()
	image.SetSequences(1621, 1621)
	session := Session{Before: slices.Clone(image.Data), FileSize1: 8 * PageSize}
	step := func(log int, edit func(time uint64)) {
		edit(LastWritten + uint64(len(session.Flushes)+1)*second)
		session.Flushes = append(session.Flushes, Flush{Hive: slices.Clone(image.Data), Log: log})
	}
	step(1, func(time uint64) { image.SetValue("Setup", dword("SetupType", 2), time) })
	step(1, func(time uint64) {
		driver := service("NewDriver", 1, 3, "Extended Base", `\SystemRoot\System32\drivers\newdriver.sys`)
		image.AddKey(`ControlSet001\Services`, driver, time)
	})
	step(2, func(time uint64) {
		image.SetValue("HardwareConfig", sz("LastConfig", "{4c4c4544-0042-3510-8052-b4c04f4d3732} and longer than before"), time)
	})
	step(2, func(time uint64) {
		image.AddKey("Setup", Key{Name: "Pid", Values: []Value{blob("Log", Noise(5000, 16))}}, time)
	})
	step(2, func(time uint64) {
		command := CommandLine("SharedSection=1024,20480,1024", CommandTailWin10)
		image.SetValue(SubSystems, expandSZ(ValueWindows, command), time)
	})
	stale := Diff(session.Before, session.Before, 1600)
	session.Stale1 = []Entry{stale}
	return session
}

// DirtyOld returns a Windows 7 hive whose last flush was cut short: primary 5
// and 4 with the first of the pages written, LOG1 of the old format with all of
// them. The flush changes the value Windows to SharedSection=1024,20480,1024
// and adds a service. LOG2 is empty, as Windows leaves it.
func DirtyOld() DirtyHive {
	return oldSession().Dirty()
}

func oldSession() OldSession {
	image := Windows7().Build()
	before := slices.Clone(image.Data)
	time := LastWritten + 60*second
	command := CommandLine("SharedSection=1024,20480,1024", CommandTailWin7)
	image.SetValue(SubSystems, expandSZ(ValueWindows, command), time)
	image.AddKey(`ControlSet001\Services`, service("NewDriver", 1, 3, "", ""), time)
	return OldSession{Before: before, After: image.Data, Time: time, Written: 1}
}
