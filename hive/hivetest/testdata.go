package hivetest

// File is one file of the repository's testdata folder.
type File struct {
	Name string // path below testdata, with slashes
	Data []byte
}

// TestdataFiles returns the files that maketestdata writes. They are the same
// every time.
func TestdataFiles() []File {
	windows10, windows7 := DirtyWindows10(), DirtyOld()
	return []File{
		{"nt4/SYSTEM", NT4().Build().Data},
		{"win10/SYSTEM", Windows10().Build().Data},
		{"win10-dirty/SYSTEM", windows10.Primary},
		{"win10-dirty/SYSTEM.LOG1", windows10.Log1},
		{"win10-dirty/SYSTEM.LOG2", windows10.Log2},
		{"old-dirty/SYSTEM", windows7.Primary},
		{"old-dirty/SYSTEM.LOG1", windows7.Log1},
		{"old-dirty/SYSTEM.LOG2", windows7.Log2},
	}
}
