// Maketestdata writes the hives of the testdata folder:
//
//	go run ./hive/hivetest/maketestdata
//
// It is run at the root of the repository, or is given the folder to write to.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"hivepatch/hive/hivetest"
)

func main() {
	folder := "testdata"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	for _, file := range hivetest.TestdataFiles() {
		if err := write(filepath.Join(folder, filepath.FromSlash(file.Name)), file.Data); err != nil {
			fmt.Fprintf(os.Stderr, "maketestdata: %v\n", err)
			os.Exit(1)
		}
	}
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
