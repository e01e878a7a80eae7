package diff_test

import (
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivetest"
)

func Example() {
	literal := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "Select", Values: []hivetest.Value{{Name: "Current", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(1)}}},
		{Name: "Setup"},
	}}}
	before := literal.Build().Data
	literal.Key("Select").Value("Current").Data = hivetest.DWORD(2)
	literal.Root.DeleteSubkey("Setup")
	after := literal.Build().Data

	a, err := hive.Open(before)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := hive.Open(after)
	if err != nil {
		fmt.Println(err)
		return
	}
	for difference, err := range diff.Hives(a, b, diff.Options{}) {
		switch {
		case err != nil:
			fmt.Println(err)
		case difference.IsValue:
			fmt.Printf("%s: %s: % x -> % x\n", difference.Path, difference.A.Name, difference.A.Data, difference.B.Data)
		case difference.Kind == diff.OnlyA:
			fmt.Printf("%s: gone\n", difference.Path)
		}
	}
	// Output:
	// Select: Current: 01 00 00 00 -> 02 00 00 00
	// Setup: gone
}
