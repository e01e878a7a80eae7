package regfile

import (
	"fmt"
	"io"
	"testing"
)

// benchOperations is a file of a thousand keys with ten values each, as they are
// in real hives: names, short strings, numbers and bytes.
func benchOperations() []Operation {
	var all []Operation
	for k := range 1000 {
		key := fmt.Sprintf(`HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Enum\Root\{%08x-0000-1000-8000-00AA00389B71}\%d`, k, k)
		all = append(all, Operation{Kind: CreateKey, Key: key})
		for v := range 10 {
			operation := Operation{Kind: SetValue, Key: key, Name: fmt.Sprintf("Value%d", v)}
			switch v % 4 {
			case 0:
				operation.Type, operation.Data = typeSZ, sz(`C:\Windows\System32\drivers\etc`)
			case 1:
				operation.Type, operation.Data = typeDWord, []byte{byte(v), byte(k), 0, 0}
			case 2:
				operation.Type, operation.Data = typeExpandSZ, sz(`%SystemRoot%\System32\svchost.exe -k netsvcs`)
			case 3:
				operation.Type, operation.Data = typeBinary, make([]byte, 200)
			}
			all = append(all, operation)
		}
	}
	return all
}

func BenchmarkWrite(b *testing.B) {
	all := benchOperations()
	for _, encoding := range []Encoding{UTF16LE, UTF8} {
		b.Run(encoding.String(), func(b *testing.B) {
			b.SetBytes(int64(len(writeOperations(encoding, all))))
			b.ReportAllocs()
			for b.Loop() {
				w := NewWriter(io.Discard, encoding)
				for _, operation := range all {
					if operation.Kind == CreateKey {
						w.CreateKey(operation.Key)
					} else {
						w.SetValue(operation.Name, operation.Type, operation.Data)
					}
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, encoding := range []Encoding{UTF16LE, UTF8} {
		data := writeOperations(encoding, benchOperations())
		b.Run(encoding.String(), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				f, err := Parse(data)
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range f.Operations() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
