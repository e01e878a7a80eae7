package hivetest_test

import (
	"fmt"

	"hivepatch/hive/hivetest"
)

func ExampleHive_Build() {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "Select", Values: []hivetest.Value{{Name: "Current", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(1)}}},
	}}}.Build()

	record := image.Value("Select", "Current").Record
	fmt.Printf("%d bytes, %s at %#x\n", len(image.Data), image.Cell(record)[:2], hivetest.FileOffset(record))

	// One fault: the inline data is longer than a record can hold.
	image.Put32(record, hivetest.RecordDataLength, hivetest.Inline|5)
	// Output: 8192 bytes, vk at 0x1188
}
