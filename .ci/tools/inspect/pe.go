package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// libraries are the DLLs that a program may ask to be loaded when it starts. Each
// is in every Windows PE, whatever packages were added to its image.
var libraries = map[string]string{
	"kernel32.dll":         "processes, files and memory: a part of every process",
	"ntdll.dll":            "what kernel32 stands on: a part of every process",
	"advapi32.dll":         "the registry and security descriptors; winlogon itself needs it",
	"bcryptprimitives.dll": "random numbers, which every Go program asks for at its start",
}

// Kinds of resources, and places in the table of directories.
const (
	resourceIcon      = 3
	resourceIconGroup = 14
	resourceVersion   = 16
	resourceManifest  = 24

	directoryResource = 2
	directoryDelay    = 13
)

// inspectPE wants a program that starts in a bare Windows PE, and says what it is.
func inspectPE(data []byte) (string, error) {
	file, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	imported, err := importedLibraries(file)
	if err != nil {
		return "", err
	}
	for _, library := range imported {
		if libraries[library] == "" {
			return "", fmt.Errorf("it imports %s, which a bare Windows PE need not have", library)
		}
	}
	directories := directoriesOf(file)
	if delay := directories[directoryDelay]; delay.Size != 0 {
		return "", errors.New("it has delayed imports")
	}
	kinds, err := resourceKinds(file, directories[directoryResource])
	if err != nil {
		return "", err
	}
	if want := []uint32{resourceVersion, resourceManifest}; !slices.Equal(kinds, want) {
		return "", fmt.Errorf("resources of kinds %d, want %d: version and manifest, no icon (%d, %d)", kinds, want, resourceIcon, resourceIconGroup)
	}
	return "imports " + strings.Join(imported, ", "), nil
}

func importedLibraries(file *pe.File) ([]string, error) {
	symbols, err := file.ImportedSymbols() // of the form NAME:LIBRARY
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, symbol := range symbols {
		_, library, _ := strings.Cut(symbol, ":")
		found[strings.ToLower(library)] = true
	}
	if len(found) == 0 {
		return nil, errors.New("no imports found, and there is no program without them")
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func directoriesOf(file *pe.File) [16]pe.DataDirectory {
	switch header := file.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		return header.DataDirectory
	case *pe.OptionalHeader64:
		return header.DataDirectory
	}
	return [16]pe.DataDirectory{}
}

// resourceKinds lists the kinds of resources: the numbers in the topmost table of
// the tree.
func resourceKinds(file *pe.File, directory pe.DataDirectory) ([]uint32, error) {
	for _, section := range file.Sections {
		begin := directory.VirtualAddress - section.VirtualAddress
		if directory.Size == 0 || directory.VirtualAddress < section.VirtualAddress || begin >= section.Size {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return nil, err
		}
		table := data[begin:]
		if len(table) < 16 {
			return nil, errors.New("the table of resources is cut short")
		}
		entries := int(binary.LittleEndian.Uint16(table[12:])) + int(binary.LittleEndian.Uint16(table[14:]))
		if len(table) < 16+8*entries {
			return nil, errors.New("the table of resources is cut short")
		}
		var kinds []uint32
		for i := range entries {
			kinds = append(kinds, binary.LittleEndian.Uint32(table[16+8*i:]))
		}
		return kinds, nil
	}
	return nil, errors.New("it has no resources")
}
