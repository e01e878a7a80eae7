// Package hivetest builds registry hives and transaction logs from Go literals,
// for tests, and damages them in named ways.
//
// It is a second implementation of the format, written from the published
// descriptions of it (the regf specification, github.com/msuhanov/regf) and
// imports nothing else of this module: a mistake in the code that reads hives
// cannot be made good by the same mistake here.
//
// A hive is a literal:
//
//	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
//		{Name: "Select", Values: []hivetest.Value{{Name: "Current", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(1)}}},
//	}}}.Build()
//
// The Image knows where every structure lies, so that a test can name the place
// it damages or looks at. Samples such as NT4 and Windows10 are literals that a
// test may change before it builds them. Mutations lists sound hives with one
// named fault each, LogCases the same for transaction logs.
//
// Names are Go strings in WTF-8: UTF-8 in which an unpaired surrogate is a
// three-byte sequence of its own.
//
// The package is for tests only: it panics when a literal cannot be built.
package hivetest
