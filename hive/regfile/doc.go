// Package regfile reads and writes .reg files, the text in which Registry
// Editor of Windows (regedit) exports and imports keys and values. It knows
// text alone, not hives.
//
// # What is read
//
// Both versions, by their first lines: "Windows Registry Editor Version 5.00"
// and REGEDIT4. The text may be UTF-16, little or big endian, or UTF-8, with or
// without a byte order mark. What is none of these is taken for Windows-1252, as
// Windows of most languages does, unless other parts of it are UTF-8 without
// doubt; ParseAs reads such a file too. Lines end with CR LF, LF or CR.
//
//	; a comment, which may also stand behind what follows
//	[HKEY_LOCAL_MACHINE\SOFTWARE\Name]   create a key
//	[-HKEY_LOCAL_MACHINE\SOFTWARE\Name]  delete a key and all below it
//	@="text"                             the default value
//	"name"="text"                        REG_SZ
//	"name"=dword:0000002a                REG_DWORD
//	"name"=hex:01,02                     REG_BINARY
//	"name"=hex(b):01,00,00,00,00,00,00,00  data of any type
//	"name"=str(2):"text"                 a string of any type, as hivex writes it
//	"name"=-                             delete a value
//
// In quotes \\ stands for a backslash and \" for a quotation mark, and a line
// may break inside of data; that belongs to the data then. Lists of bytes may
// be continued on the next line behind a backslash, also with comments and empty
// lines in between. In a REGEDIT4 file the bytes of hex(1), hex(2) and hex(7) are
// text in Windows-1252, which becomes UTF-16, as regedit does it. A key ends at
// the last bracket of its line.
//
// Whatever is not understood is an error that tells where: regedit skips such
// lines in silence.
//
// # Names that regedit cannot carry
//
// Names are strings in WTF-8: UTF-8 in which unpaired surrogates survive.
// Registry Editor writes most names as they are, but has no form for some that
// hives hold. For these alone there is an escape, which only this package
// knows: one UTF-16 unit is \uXXXX in the name of a value, and \\uXXXX in the
// name of a key, with four hexadecimal digits. Neither is anything else in a
// file of regedit: there a backslash in quotes is followed by another one or a
// quotation mark, and no key has an empty name.
//
// It is written for NUL, CR and LF, for a hyphen that a path begins with, for a
// closing bracket in the name of a key that a semicolon follows, and in UTF-8
// also for other control characters and for unpaired surrogates.
package regfile
