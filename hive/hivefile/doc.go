// Package hivefile holds a registry hive as it lies on disk: the file, the
// transaction logs beside it, and saving without ever leaving half a hive.
//
// Reading takes a file whole into memory, where nothing that happens to the
// file later can reach it. Saving is all or nothing: the output either does not
// exist (or is the old one, byte for byte) or is complete and on the disk; see
// [WriteNew] for what that rests on and where its limits are.
package hivefile
