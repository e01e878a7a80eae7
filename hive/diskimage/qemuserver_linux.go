package diskimage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// server is QEMU's storage daemon, which serves one disk as a file.
type server struct {
	command  *exec.Cmd
	output   limitedBuffer
	folder   string   // that the file is in
	lock     *os.File // on the folder
	device   uint64   // of the folder: that of the file is another one while it is served
	write    bool
	patience time.Duration
	ended    chan struct{} // closed when the process has ended
	err      error         // with which it has ended
	slow     atomic.Bool
}

// startServer starts QEMU and returns when the disk is there.
func startServer(ctx context.Context, layers []Layer, options QEMUOptions) (*server, error) {
	program := options.Program
	if program == "" {
		program = QEMUProgram
	}
	program, err := exec.LookPath(program)
	if err != nil {
		return nil, ErrNoQEMU
	}
	folder, lock, err := makeServerFolder(options.Temp)
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, lock: lock, write: options.Write, patience: options.Patience, ended: make(chan struct{})}
	if err := s.start(ctx, program, layers); err != nil {
		return nil, &serverError{output: s.said(), err: errors.Join(err, s.end(unix.SIGKILL))}
	}
	return s, nil
}

// diskName is the name of the file in its folder.
const diskName = "disk"

func (s *server) file() string { return filepath.Join(s.folder, diskName) }

func (s *server) start(ctx context.Context, program string, layers []Layer) error {
	if err := os.WriteFile(s.file(), nil, 0o600); err != nil {
		close(s.ended)
		return err
	}
	var info unix.Stat_t
	err := unix.Stat(s.folder, &info)
	arguments, argumentsErr := serverArguments(layers, s.file(), s.write)
	if err := errors.Join(err, argumentsErr); err != nil {
		close(s.ended)
		return err
	}
	s.device = info.Dev
	s.command = exec.Command(program, arguments...)
	s.command.Stdout, s.command.Stderr = &s.output, &s.output
	// The signals of the terminal are for us, who end it when all is written. If
	// we are killed, it shall end.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGTERM}
	started := make(chan error)
	go s.run(started)
	if err := <-started; err != nil {
		return err
	}
	return s.await(ctx)
}

// run runs the process. Its end comes with that of the thread that has started
// it, so that must not end before.
func (s *server) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.ended)
	err := s.command.Start()
	started <- err
	if err == nil {
		s.err = s.command.Wait()
	}
}

// await waits for the disk.
func (s *server) await(ctx context.Context) error {
	defer time.AfterFunc(s.patience, s.giveUp).Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if s.serves() {
			return nil
		}
		select {
		case <-s.ended:
			return s.hasEnded()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// hasEnded is the error of a server that has ended by itself.
func (s *server) hasEnded() error {
	if s.err == nil {
		return errors.New("it has ended before it was asked to")
	}
	return fmt.Errorf("it has ended before it was asked to: %w", s.err)
}

// serves reports whether the file is on another device than its folder.
func (s *server) serves() bool {
	var info unix.Stat_t
	err := unix.Stat(s.file(), &info)
	return err == nil && info.Dev != s.device
}

func (s *server) open() (*fileDisk, error) {
	defer time.AfterFunc(s.patience, s.giveUp).Stop()
	return openServed(s.file(), s.write)
}

// giveUp kills a server that does not answer.
func (s *server) giveUp() {
	s.slow.Store(true)
	s.signal(unix.SIGKILL)
}

func (s *server) signal(signal syscall.Signal) {
	if s.command == nil || s.command.Process == nil {
		return
	}
	_ = s.command.Process.Signal(signal) // where it has ended, there is nothing to do
}

// stop ends the server, with all that it holds on the disk.
func (s *server) stop() error { return s.end(unix.SIGTERM) }

// end ends the server by a signal and removes what it leaves.
func (s *server) end(signal syscall.Signal) error {
	var err error
	select {
	case <-s.ended:
		if signal == unix.SIGTERM {
			err = s.hasEnded()
		}
	default:
		if s.ask(signal) && signal == unix.SIGTERM {
			err = s.err
		}
	}
	if s.slow.Load() {
		err = errTooSlow
	}
	return errors.Join(err, s.clear())
}

// again is how long a server that was asked to end has for it before it is asked
// again: QEMU forgets a signal that comes just before it waits for work.
const again = 100 * time.Millisecond

// ask asks the server to end until it has, and kills it where it does not.
func (s *server) ask(signal syscall.Signal) (ended bool) {
	late := time.After(s.patience)
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		s.signal(signal)
		select {
		case <-s.ended:
			return true
		case <-late:
			s.giveUp()
			<-s.ended
			return false
		case <-ticker.C:
		}
	}
}

// clear removes the place where the disk was. A server that was killed leaves it
// mounted.
func (s *server) clear() error {
	defer s.lock.Close() // only locked
	var info unix.Stat_t
	if err := unix.Stat(s.file(), &info); errors.Is(err, unix.ENOTCONN) || err == nil && s.device != 0 && info.Dev != s.device {
		if err := unmount(s.file()); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.folder)
}

// unmount unmounts a file that a server was killed over.
func unmount(path string) error {
	if unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
		return nil
	}
	// Not root.
	if text, err := exec.Command("fusermount3", "-u", "-z", path).CombinedOutput(); err != nil {
		return fmt.Errorf("%s is left mounted: %w: %s", path, err, bytes.TrimSpace(text))
	}
	return nil
}

// said is what the server has said so far.
func (s *server) said() string { return s.output.String() }

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const most = 4096
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.text.Write(p[:min(len(p), most-min(most, b.text.Len()))])
	return len(p), nil
}

func (b *limitedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
