// Package patch does the SharedSection job: it reads the command line that
// starts the Windows subsystem, says what Windows makes of it, and changes its
// numbers.
//
// The command line is the value "Windows" of the key
// Control\Session Manager\SubSystems in each control set of a SYSTEM hive. Its
// token SharedSection=A,B[,C] is read twice, by two programs with different
// parsers: csrss decides with it whether Windows starts at all ([Value.CSRSS]),
// win32k decides how large the desktop heaps are ([Value.Win32k]). A is the
// size of the section that csrss shares with every process, B the heap of each
// desktop in an interactive window station, C that of each desktop in a
// non-interactive one; all three are in KB of 1024 bytes.
//
// [Value.Edit] replaces digits and nothing else, runs both models on the
// result, and refuses with a [RefusedError] when they do not give what was
// asked for. [Value.Lint] reports what is wrong with a value and who says so.
package patch
