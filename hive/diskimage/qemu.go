package diskimage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// QEMUProgram is the program that reads and writes the formats that grow.
// Debian has it in qemu-system-common, later Debian and Ubuntu in qemu-utils.
const QEMUProgram = "qemu-storage-daemon"

// ErrNoQEMU is returned when QEMUProgram is not installed, or not for this
// system: its export through FUSE is for Linux only.
var ErrNoQEMU = errors.New("needs " + QEMUProgram + " (Debian and Ubuntu: qemu-system-common or qemu-utils), on Linux with FUSE")

// QEMUError is returned when QEMU does not do what it is asked for.
type QEMUError struct {
	Path   string
	Output string // what it said; may be empty
	Err    error
}

// Error has what QEMU said on one line.
func (e *QEMUError) Error() string {
	text := fmt.Sprintf("QEMU and %s: %v", e.Path, e.Err)
	if said := strings.Join(strings.Fields(e.Output), " "); said != "" {
		text += ": " + strings.TrimPrefix(said, QEMUProgram+": ")
	}
	return text
}

// Unwrap returns the cause.
func (e *QEMUError) Unwrap() error { return e.Err }

// errTooSlow is why QEMU was killed.
var errTooSlow = errors.New("it did not answer in time and was ended")

// QEMUOptions says how an image is opened through QEMU.
type QEMUOptions struct {
	Write bool
	// AnyFolder allows backing files that are not in the folder of the image. An
	// image can name every file that its reader may read.
	AnyFolder bool
	// Program is the path of QEMUProgram; where it is empty, it is searched for.
	Program string
	// Temp is the folder for the place at which the disk appears; where it is
	// empty, that of the operating system.
	Temp string
	// Patience is how long QEMU may take to start, for one access, and to end; two
	// minutes where it is 0.
	Patience time.Duration
}

// QEMU is an image that QEMU has open for us.
type QEMU struct {
	// Layers are the files that make up the disk, the active one first, which is
	// the only one that is written to.
	Layers []Layer

	path   string
	lock   io.Closer // of the image file
	server *server
	disk   *servedDisk
	close  sync.Once
	err    error
}

// OpenQEMU opens an image whose format does not hold the disk byte for byte. It
// starts QEMUProgram, which must be ended by Close; if this program is killed,
// it ends too. QEMU is told what each file is, and follows no names itself.
//
// It returns ErrNoQEMU, a LayerError for files that it may not open, an
// InUseError, a QEMUError, the error of ctx as long as it starts, and that of the
// operating system otherwise.
func OpenQEMU(ctx context.Context, path string, format Format, options QEMUOptions) (*QEMU, error) {
	layers, err := findLayers(path, format, options.AnyFolder)
	if err != nil {
		return nil, err
	}
	to := forReading
	if options.Write {
		to = forWriting
	}
	lock, err := openLocked(path, to)
	if err != nil {
		return nil, err
	}
	if options.Patience == 0 {
		options.Patience = 2 * time.Minute
	}
	q := &QEMU{Layers: layers, path: path, lock: lock}
	if q.server, err = startServer(ctx, layers, options); err != nil {
		return nil, errors.Join(q.explain(err), lock.Close())
	}
	file, err := q.server.open()
	if err != nil {
		return nil, errors.Join(q.explain(err), q.server.stop(), lock.Close())
	}
	q.disk = &servedDisk{fileDisk: file, q: q, patience: options.Patience}
	return q, nil
}

// Disk is the disk in the image. It is of no use after Close.
func (q *QEMU) Disk() Disk { return q.disk }

// Close ends QEMU, which brings all to the disk that it has not yet, and returns
// a QEMUError when it did not end as it should.
func (q *QEMU) Close() error {
	q.close.Do(func() {
		_, err := q.disk.guard(func() (int, error) { return 0, q.disk.File.Close() })
		if stopErr := q.server.stop(); stopErr != nil {
			err = q.explain(stopErr)
		}
		q.err = errors.Join(err, q.lock.Close())
	})
	return q.err
}

// explain adds to an error what QEMU has said.
func (q *QEMU) explain(err error) error {
	if errors.Is(err, ErrNoQEMU) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	failed := &QEMUError{Path: q.path, Err: err}
	if q.server != nil {
		failed.Output = q.server.said()
	}
	if own, ok := errors.AsType[*serverError](err); ok {
		failed.Output, failed.Err = own.output, own.err
	}
	if strings.Contains(failed.Output, `" lock`) {
		return &InUseError{Path: q.lockedFile(failed.Output), By: byQEMU}
	}
	return failed
}

// lockedFile is the file that QEMU could not lock: the image, or one behind it.
func (q *QEMU) lockedFile(output string) string {
	for _, layer := range q.Layers {
		if strings.Contains(output, "["+layer.Path+"]") {
			return layer.Path
		}
	}
	return q.path
}

// servedDisk is the disk as QEMU serves it. A server that does not answer is
// ended, with which all that waits for it fails.
type servedDisk struct {
	*fileDisk
	q        *QEMU
	patience time.Duration
}

func (d *servedDisk) guard(access func() (int, error)) (int, error) {
	timer := time.AfterFunc(d.patience, d.q.server.giveUp)
	n, err := access()
	timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = d.q.explain(err)
	}
	return n, err
}

func (d *servedDisk) ReadAt(p []byte, off int64) (int, error) {
	return d.guard(func() (int, error) { return d.fileDisk.ReadAt(p, off) })
}

func (d *servedDisk) WriteAt(p []byte, off int64) (int, error) {
	return d.guard(func() (int, error) { return d.fileDisk.WriteAt(p, off) })
}

func (d *servedDisk) Sync() error {
	_, err := d.guard(func() (int, error) { return 0, d.File.Sync() })
	return err
}

// serverArguments are those with which the server serves the layers at a path.
// They are JSON, in which a comma in a name means nothing.
func serverArguments(layers []Layer, mountpoint string, write bool) ([]string, error) {
	var arguments []string
	add := func(flag string, value any) error {
		text, err := json.Marshal(value)
		arguments = append(arguments, flag, string(text))
		return err
	}
	for i := len(layers) - 1; i >= 0; i-- {
		layer, readOnly := layers[i], i > 0 || !write
		driver := "file"
		if layer.device {
			driver = "host_device"
		}
		file := map[string]any{"driver": driver, "node-name": fmt.Sprintf("file%d", i), "filename": layer.Path, "read-only": readOnly}
		disk := map[string]any{"driver": layer.driver(), "node-name": fmt.Sprintf("layer%d", i), "file": file["node-name"], "read-only": readOnly}
		if layer.Format == QCOW2 || layer.Format == VMDK {
			disk["backing"] = nil
			if i+1 < len(layers) {
				disk["backing"] = fmt.Sprintf("layer%d", i+1)
			}
		}
		if err := errors.Join(add("--blockdev", file), add("--blockdev", disk)); err != nil {
			return nil, err
		}
	}
	err := add("--export", map[string]any{
		"type": "fuse", "id": "disk", "node-name": "layer0", "mountpoint": mountpoint, "writable": write, "growable": false, "allow-other": "off",
	})
	return arguments, err
}

// serverError is an error of a server that has ended.
type serverError struct {
	output string
	err    error
}

func (e *serverError) Error() string { return e.err.Error() }
func (e *serverError) Unwrap() error { return e.err }

// openServed opens the file at which a server serves a disk.
func openServed(path string, write bool) (*fileDisk, error) {
	flag := os.O_RDONLY
	if write {
		flag = os.O_RDWR
	}
	file, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &fileDisk{file, size}, nil
}
