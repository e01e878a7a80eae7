package hive_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/txlog"
)

// Opening a hive and reading a value of the control set that is in use.
func ExampleOpen() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key(`CurrentControlSet\Control\ComputerName\ComputerName`)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Path())
	for value, err := range key.Values() {
		if err != nil {
			log.Fatal(err)
		}
		data, err := value.Data()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s %q\n", value.Name(), value.Type(), data)
	}
	// Output:
	// ControlSet001\Control\ComputerName\ComputerName
	// ComputerName REG_SZ "S\x00A\x00M\x00P\x00L\x00E\x00\x00\x00"
}

// A hive that Windows did not close is recovered from its logs.
func ExampleWithLogs() {
	var files [3][]byte
	for i, name := range []string{"SYSTEM", "SYSTEM.LOG1", "SYSTEM.LOG2"} {
		data, err := os.ReadFile("../testdata/win10-dirty/" + name)
		if err != nil {
			log.Fatal(err)
		}
		files[i] = data
	}
	_, err := hive.Open(files[0])
	fmt.Println(errors.Is(err, hive.ErrDirty))

	h, err := hive.Open(files[0], hive.WithLogs(
		txlog.Log{Name: "SYSTEM.LOG1", Data: files[1]},
		txlog.Log{Name: "SYSTEM.LOG2", Data: files[2]},
	))
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range h.Recovery().Entries {
		fmt.Println(entry.Log, entry.Sequence)
	}
	// Output:
	// true
	// SYSTEM.LOG1 1621
	// SYSTEM.LOG1 1622
	// SYSTEM.LOG2 1623
	// SYSTEM.LOG2 1624
	// SYSTEM.LOG2 1625
}

// An edit, what it has changed, and the hive as Windows will load it.
func ExampleValue_SetData() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key(`ControlSet001\Control\CrashControl`)
	if err != nil {
		log.Fatal(err)
	}
	value, err := key.Value("AutoReboot")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	if err := value.SetData(hive.DWord, []byte{0, 0, 0, 0}, now); err != nil {
		log.Fatal(err)
	}
	for _, change := range h.Changes() {
		fmt.Printf("%#x, %d bytes: %s\n", change.Offset, change.Length, change.What)
	}
	h.Seal(now)
	fmt.Println(h.Sequences())
	// h.Bytes() is the file to be saved.

	// Output:
	// 0x1580, 7 bytes: key CrashControl
	// 0x1ab4, 1 bytes: value AutoReboot
	// 195 195
}

// Looking for what need not be there.
func ExampleHive_Select() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	sets, err := h.Select()
	if err != nil {
		log.Fatal(err)
	}
	for _, number := range []hive.Number{sets.Current, sets.Default, sets.Failed, sets.LastKnownGood} {
		switch {
		case errors.Is(number.Err, hive.ErrNotFound):
			fmt.Println("absent")
		case number.Err != nil:
			fmt.Println(number.Err)
		case number.Value == 0:
			fmt.Println("none")
		default:
			fmt.Println(hive.ControlSetName(number.Value))
		}
	}
	// Output:
	// ControlSet001
	// ControlSet001
	// none
	// ControlSet002
}
