package regfile_test

import (
	"fmt"
	"os"

	"hivepatch/hive/regfile"
)

func ExampleParse() {
	file, err := regfile.Parse([]byte("Windows Registry Editor Version 5.00\r\n\r\n" +
		"[HKEY_CURRENT_USER\\Software\\Vendor]\r\n" +
		"\"Path\"=\"C:\\\\dir\"\r\n" +
		"\"Old\"=-\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for operation, err := range file.Operations() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("line %d: %s %s %q\n", operation.Line, operation.Kind, operation.Key, operation.Name)
	}
	// Output:
	// line 3: create key HKEY_CURRENT_USER\Software\Vendor ""
	// line 4: set value HKEY_CURRENT_USER\Software\Vendor "Path"
	// line 5: delete value HKEY_CURRENT_USER\Software\Vendor "Old"
}

func ExampleWriter() {
	w := regfile.NewWriter(os.Stdout, regfile.UTF8)
	w.CreateKey(`HKEY_LOCAL_MACHINE\SYSTEM\Setup`)
	w.SetValue("", 1, []byte("a\x00b\x00\x00\x00"))
	w.SetValue("SetupType", 4, []byte{2, 0, 0, 0})
	w.SetValue("Mask", 3, []byte{0xFE, 0xFF})
	if err := w.Flush(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Windows Registry Editor Version 5.00
	//
	// [HKEY_LOCAL_MACHINE\SYSTEM\Setup]
	// @="ab"
	// "SetupType"=dword:00000002
	// "Mask"=hex:fe,ff
}
