package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// bom is a bill of materials in the form of CycloneDX 1.5, without the serial
// number and the time, which would differ from one run to the next.
type bom struct {
	Schema      string      `json:"$schema"`
	BOMFormat   string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	BOMRef     string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeSBOM prints the modules that a program is built of, and how it was built,
// as the program itself says.
func writeSBOM(w io.Writer, version, path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(data)
	program := component{
		Type: "application", BOMRef: info.Main.Path, Name: filepath.Base(path), Version: version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(digest[:])}},
	}
	for _, setting := range info.Settings {
		program.Properties = append(program.Properties, property{"go:build:" + setting.Key, setting.Value})
	}
	out := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.5.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.5", Version: 1,
		Metadata:   metadata{program},
		Components: []component{library("std", info.GoVersion)},
	}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		out.Components = append(out.Components, library(module.Path, module.Version))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}

func library(path, version string) component {
	purl := "pkg:golang/" + path + "@" + url.PathEscape(version)
	return component{Type: "library", BOMRef: purl, Name: path, Version: version, PURL: purl}
}
