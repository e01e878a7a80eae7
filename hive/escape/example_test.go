package escape_test

import (
	"fmt"

	"hivepatch/hive/escape"
)

func Example() {
	printed := escape.Path("Devices\\a\x1bb")
	fmt.Println(printed)
	typed, err := escape.Decode(printed)
	fmt.Printf("%q %v\n", typed, err)
	fmt.Println(escape.ValueName(""), escape.ValueName("@"))
	// Output:
	// Devices\a\x1bb
	// "Devices\\a\x1bb" <nil>
	// @ \x40
}
