package hive_test

import (
	"encoding/binary"
	"fmt"

	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

func faultsOf(data []byte) map[string]int {
	found := map[string]int{}
	check.Bytes(data, func(f check.Finding) {
		if f.Code == check.CodeChecksum || f.Code == check.CodeSequence {
			return
		}
		found[fmt.Sprint(f.Level, " ", f.Code)]++
	})
	return found
}

func numberedKeys(n int, format string) []hivetest.Key {
	var list []hivetest.Key
	for i := range n {
		list = append(list, hivetest.Key{Name: fmt.Sprintf(format, i)})
	}
	return list
}

func mustGet[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var le = binary.LittleEndian
