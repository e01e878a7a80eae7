package hive_test

import (
	"fmt"
	"log"
	"time"

	"hivepatch/hive"
)

// newSoftware returns a hive with a few keys, for the examples.
func newSoftware(t time.Time) *hive.Hive {
	h, err := hive.New(5, t)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.CreateKey(`Vendor\Product\1.0`, t)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := key.SetValue("Port", hive.DWord, []byte{0x90, 0x1F, 0, 0}, t); err != nil {
		log.Fatal(err)
	}
	return h
}

// exampleTime is the time of all edits in the examples.
var exampleTime = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func printKeys(h *hive.Hive) {
	for key, err := range h.Walk() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("[%s]\n", key.Path())
		for value, err := range key.Values() {
			if err != nil {
				log.Fatal(err)
			}
			data, err := value.Data()
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("  %q %s % x\n", value.Name(), value.Type(), data)
		}
	}
}

// An empty hive, and the keys on the way to one that is created.
func ExampleNew() {
	h, err := hive.New(5, exampleTime)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := h.CreateKey(`Vendor\Product`, exampleTime); err != nil {
		log.Fatal(err)
	}
	h.Seal(exampleTime)
	printKeys(h)
	fmt.Println(h.Clean(), len(h.Bytes()), "bytes")
	// Output:
	// []
	// [Vendor]
	// [Vendor\Product]
	// true 8192 bytes
}

// Setting a value creates it where there is none. Look-ups ignore case, and a
// value keeps the spelling that it was created with.
func ExampleKey_SetValue() {
	h := newSoftware(exampleTime)
	key, err := h.Key(`vendor\product\1.0`)
	if err != nil {
		log.Fatal(err)
	}
	text, err := hive.EncodeText("C:\\Data\x00")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := key.SetValue("Folder", hive.SZ, text, exampleTime); err != nil {
		log.Fatal(err)
	}
	if _, err := key.SetValue("PORT", hive.DWord, []byte{80, 0, 0, 0}, exampleTime); err != nil {
		log.Fatal(err)
	}
	printKeys(h)
	// Output:
	// []
	// [Vendor]
	// [Vendor\Product]
	// [Vendor\Product\1.0]
	//   "Port" REG_DWORD 50 00 00 00
	//   "Folder" REG_SZ 43 00 3a 00 5c 00 44 00 61 00 74 00 61 00 00 00
}

// A value gets another name, and is deleted.
func ExampleValue_Rename() {
	h := newSoftware(exampleTime)
	key, err := h.Key(`Vendor\Product\1.0`)
	if err != nil {
		log.Fatal(err)
	}
	value, err := key.Value("Port")
	if err != nil {
		log.Fatal(err)
	}
	if err := value.Rename("TcpPort", exampleTime); err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.Name())
	if err := value.Delete(exampleTime); err != nil {
		log.Fatal(err)
	}
	_, count, err := key.Counts()
	fmt.Println(count, err)
	// Output:
	// TcpPort
	// 0 <nil>
}

// A key gets another name, and what is below it comes along.
func ExampleKey_Rename() {
	h := newSoftware(exampleTime)
	key, err := h.Key(`Vendor\Product`)
	if err != nil {
		log.Fatal(err)
	}
	if err := key.Rename("Successor", exampleTime); err != nil {
		log.Fatal(err)
	}
	printKeys(h)
	// Output:
	// []
	// [Vendor]
	// [Vendor\Successor]
	// [Vendor\Successor\1.0]
	//   "Port" REG_DWORD 90 1f 00 00
}

// Deleting a key deletes all below it; the root cannot be deleted.
func ExampleKey_Delete() {
	h := newSoftware(exampleTime)
	key, err := h.Key("Vendor")
	if err != nil {
		log.Fatal(err)
	}
	if err := key.Delete(exampleTime); err != nil {
		log.Fatal(err)
	}
	printKeys(h)
	root, err := h.Root()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(root.Delete(exampleTime))
	// Output:
	// []
	// the root key must not be changed: a hive cannot be without it
}

// A key may have a class name, which few programs show.
func ExampleKey_SetClass() {
	h := newSoftware(exampleTime)
	key, err := h.Key("Vendor")
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetClass("d1f4c2a8", exampleTime); err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Class())
	// Output:
	// d1f4c2a8 <nil>
}

// New keys have the security descriptor of the key above. It can be given to
// other keys, which then share it.
func ExampleKey_SetSecurityDescriptor() {
	h := newSoftware(exampleTime)
	root, err := h.Root()
	if err != nil {
		log.Fatal(err)
	}
	descriptor, err := root.SecurityDescriptor()
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key("Vendor")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.SetSecurityDescriptor(descriptor, exampleTime))
	fmt.Println(key.SetSecurityDescriptor([]byte("not one"), exampleTime))
	// Output:
	// <nil>
	// not a sound security descriptor: has 7 bytes, want at least 20
}

// What is deleted leaves free space, which Compact leaves out.
func ExampleHive_Compact() {
	h := newSoftware(exampleTime)
	for i := range 100 {
		if _, err := h.CreateKey(fmt.Sprintf(`Temporary\%d`, i), exampleTime); err != nil {
			log.Fatal(err)
		}
	}
	key, err := h.Key("Temporary")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := h.CreateKey(`Last`, exampleTime); err != nil {
		log.Fatal(err)
	}
	if err := key.Delete(exampleTime); err != nil {
		log.Fatal(err)
	}
	h.Seal(exampleTime)
	compact, err := h.Compact(exampleTime)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(h.Bytes()), len(compact.Bytes()), h.SameContent(compact))
	// Output:
	// 16384 8192 <nil>
}

func ExampleKey_Move() {
	h := newSoftware(exampleTime)
	key, err := h.Key(`Vendor\Product\1.0`)
	if err != nil {
		log.Fatal(err)
	}
	parent, err := h.Key("Vendor")
	if err != nil {
		log.Fatal(err)
	}
	if err := key.Move(parent, "Current", exampleTime); err != nil {
		log.Fatal(err)
	}
	printKeys(h)
	// Output:
	// []
	// [Vendor]
	// [Vendor\Current]
	//   "Port" REG_DWORD 90 1f 00 00
	// [Vendor\Product]
}

func ExampleKey_CreateSubkey() {
	h := newSoftware(exampleTime)
	key, err := h.Key("Vendor")
	if err != nil {
		log.Fatal(err)
	}
	created, err := key.CreateSubkey("Ключ", exampleTime)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Path())
	_, err = key.CreateSubkey("КЛЮЧ", exampleTime) // the same name for Windows
	fmt.Println(err)
	// Output:
	// Vendor\Ключ
	// key Vendor\КЛЮЧ: exists already
}

func ExampleValue_Delete() {
	h := newSoftware(exampleTime)
	key, err := h.Key(`Vendor\Product\1.0`)
	if err != nil {
		log.Fatal(err)
	}
	value, err := key.Value("Port")
	if err != nil {
		log.Fatal(err)
	}
	if err := value.Delete(exampleTime); err != nil {
		log.Fatal(err)
	}
	_, values, err := key.Counts()
	fmt.Println(values, err)
	// Output: 0 <nil>
}
