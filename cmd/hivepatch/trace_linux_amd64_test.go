package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// trace runs the program in a process of its own, of whose system calls that
// change a file in some folders one is met by a fault. They are counted over all
// threads, from 1 on.
type trace struct {
	folders []string
	output  string        // path of a file for standard error; nobody would read from a pipe
	at      int           // the call that is met, 0 for none
	fault   syscall.Errno // what it returns, without being done; 0 kills the process before it
	forGood bool          // all calls after it return that too
}

// traced is what became of a trace.
type traced struct {
	calls  []string // by name and file
	status syscall.WaitStatus
	stderr string
}

// run needs a thread of its own: a process has one tracer, which is a thread.
func (tr trace) run(t *testing.T, args ...string) (done traced) {
	t.Helper()
	output, err := os.Create(tr.output)
	require.NoError(t, err)
	defer output.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		done, err = tr.follow(output, args)
	}()
	<-ended
	if errors.Is(err, syscall.EPERM) && os.Getenv("HIVEPATCH_REQUIRE_PEERS") != "1" {
		t.Skip("no process may be traced here")
	}
	require.NoError(t, err)
	return done
}

func (tr trace) follow(output *os.File, args []string) (done traced, err error) {
	command := exec.Command("/proc/self/exe", args...)
	command.Args[0], command.Stderr = programName, output
	command.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := command.Start(); err != nil {
		return done, err
	}
	pid := command.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return done, err
	}
	// A program that it starts is not followed.
	if err := syscall.PtraceSetOptions(pid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_EXITKILL); err != nil {
		return done, err
	}
	if err := syscall.PtraceSyscall(pid, 0); err != nil {
		return done, err
	}
	done.calls, done.status, err = tr.loop(pid)
	text, readErr := os.ReadFile(output.Name())
	if err == nil {
		err = readErr
	}
	done.stderr = string(text)
	return done, err
}

// loop lets the threads of a process run from stop to stop until it has ended.
func (tr trace) loop(pid int) (calls []string, status syscall.WaitStatus, err error) {
	inside := map[int]bool{} // threads that are in a system call
	failing := map[int]bool{}
	for {
		thread, err := syscall.Wait4(-pid, &status, unix.WALL, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return calls, status, err
		}
		if status.Exited() || status.Signaled() {
			if thread == pid {
				return calls, status, nil
			}
			continue
		}
		signal := 0
		switch stop := status.StopSignal(); {
		case stop == syscall.SIGTRAP|0x80:
			if inside[thread] = !inside[thread]; !inside[thread] {
				if failing[thread] {
					failing[thread] = false
					fail(thread, tr.fault)
				}
				break
			}
			call := tr.call(pid, thread)
			if call == "" {
				break
			}
			calls = append(calls, call)
			switch {
			case len(calls) == tr.at && tr.fault == 0:
				_ = syscall.Kill(pid, syscall.SIGKILL) // it is there, for it is stopped
			case tr.fault != 0 && (len(calls) == tr.at || tr.forGood && tr.at > 0 && len(calls) > tr.at):
				failing[thread] = true
				skip(thread)
			}
		case stop == syscall.SIGTRAP, stop == syscall.SIGSTOP:
			// A new thread, or what it begins with.
		default:
			signal = int(stop)
		}
		_ = syscall.PtraceSyscall(thread, signal) // one that was killed is told of by Wait4
	}
}

// skip has the kernel do nothing in place of the call that a thread enters.
func skip(thread int) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(thread, &regs) == nil {
		regs.Orig_rax = ^uint64(0)
		_ = syscall.PtraceSetRegs(thread, &regs)
	}
}

// fail has the call that a thread leaves return an error.
func fail(thread int, errno syscall.Errno) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(thread, &regs) == nil {
		regs.Rax = -uint64(errno)
		_ = syscall.PtraceSetRegs(thread, &regs)
	}
}

// call describes the call that a thread enters, where it changes something in
// the folders; otherwise it returns "".
func (tr trace) call(pid, thread int) string {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(thread, &regs) != nil {
		return ""
	}
	name, path := "", ""
	switch regs.Orig_rax {
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_COPY_FILE_RANGE:
		name = map[uint64]string{
			unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
			unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FALLOCATE: "fallocate", unix.SYS_COPY_FILE_RANGE: "copy",
		}[regs.Orig_rax]
		path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, regs.Rdi)) // what is no file is none of the folders
	case unix.SYS_OPENAT:
		name, path = "open", textAt(thread, regs.Rsi)
	case unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_RENAMEAT, unix.SYS_LINKAT:
		name = map[uint64]string{unix.SYS_UNLINKAT: "unlink", unix.SYS_MKDIRAT: "mkdir", unix.SYS_RENAMEAT: "rename", unix.SYS_LINKAT: "link"}[regs.Orig_rax]
		path = textAt(thread, regs.Rsi)
	default:
		return ""
	}
	for _, folder := range tr.folders {
		if strings.HasPrefix(path, folder) {
			return name + " " + strings.TrimPrefix(path, folder)
		}
	}
	return ""
}

// textAt reads a string of a process.
func textAt(thread int, address uint64) string {
	buffer := make([]byte, 4096)
	n, _ := syscall.PtracePeekData(thread, uintptr(address), buffer) // a short one ends a page early
	text, _, _ := bytes.Cut(buffer[:n], []byte{0})
	return string(text)
}
