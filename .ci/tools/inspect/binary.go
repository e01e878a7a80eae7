package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// mostBytes is the largest that a program of a release may be.
const mostBytes = 8_000_000

// inspectBinary prints a line about a program and returns what is wrong with it.
func inspectBinary(w io.Writer, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var needs string
	if bytes.HasPrefix(data, []byte("MZ")) {
		needs, err = inspectPE(data)
	} else {
		needs, err = inspectELF(data)
	}
	if len(data) > mostBytes {
		err = errors.Join(err, fmt.Errorf("%d bytes, more than %d", len(data), mostBytes))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	name := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
	_, err = fmt.Fprintf(w, "%-28s %7d bytes, %s\n", name, len(data), needs)
	return err
}

// inspectELF wants a program that needs no other file: no loader, no libraries.
func inspectELF(data []byte) (string, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			return "", fmt.Errorf("not static: it has a segment %s", segment.Type)
		}
	}
	return "static " + file.Machine.String(), nil
}
