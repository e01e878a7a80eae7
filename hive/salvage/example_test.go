package salvage_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/salvage"
)

// A hive in which a list of subkeys was overwritten.
func ExampleHive() {
	data, err := os.ReadFile("../../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key(`Setup`)
	if err != nil {
		log.Fatal(err)
	}
	values := key.ValueCells()[0] // the list of values
	copy(data[values+4:], "\xFF\xFF\xFF\x7F")

	salvaged, report, err := salvage.Hive(data, salvage.Options{Time: time.Now()})
	if err != nil {
		log.Fatal(err)
	}
	for _, finding := range report.Findings {
		fmt.Println(finding)
	}
	key, err = salvaged.Key(`Setup`)
	if err != nil {
		log.Fatal(err)
	}
	_, count, err := key.Counts()
	fmt.Println(count, err)
	// Output:
	// lost: value @ of \Setup at 0x80000fff: lies behind the last bin, which ends at 0xc000
	// 4 <nil>
}

// A key that was deleted is still there until its space is used again.
func ExampleDeleted() {
	data, err := os.ReadFile("../../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key(`ControlSet001\Control\Windows`)
	if err != nil {
		log.Fatal(err)
	}
	if err := key.Delete(time.Now()); err != nil {
		log.Fatal(err)
	}
	for remnant, err := range salvage.Deleted(h.Bytes()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(remnant.Path)
		for _, value := range remnant.Values {
			fmt.Println("  ", value.Name, value.Type, len(value.Data))
		}
	}
	// Output:
	// ControlSet001\Control\Windows
	//    Directory REG_EXPAND_SZ 26
	//    SystemDirectory REG_EXPAND_SZ 44
	//    CSDVersion REG_DWORD 4
}
