package sddl_test

import (
	"fmt"

	"hivepatch/hive/sddl"
)

func Example() {
	descriptor, err := sddl.Parse("O:BAG:SYD:PAI(A;CI;KA;;;SY)(A;CI;KR;;;S-1-5-32-545)")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(descriptor), "bytes")
	text, err := sddl.Format(descriptor)
	fmt.Println(text, err)

	_, err = sddl.Parse("O:BAG:SYD:(A;CI;KQ;;;SY)")
	fmt.Println(err)
	// Output:
	// 100 bytes
	// O:BAG:SYD:PAI(A;CI;KA;;;SY)(A;CI;KR;;;BU) <nil>
	// not valid SDDL at character 17: "KQ" is no known right
}
