//go:build ignore

// Command benchimage times patches of a hive in a disk image, as whole
// processes, beside the same patches of the hive as a file and of the hive in
// the mounted image. Runs take turns.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	dir := flag.String("dir", "", "folder with hivepatch, disk.img, SYSTEM and the folder mnt")
	runs := flag.Int("runs", 20, "counted runs of each")
	flag.Parse()
	b := &bench{dir: *dir}
	file := b.job("patch of the file", b.patch("SYSTEM", "--no-backup"))
	image := b.job("patch in the image", b.patch("disk.img"))
	mounted := b.job("mount by ntfs-3g, patch, unmount", b.mounted)
	for i := range *runs + 1 {
		for _, j := range []*job{file, image, mounted} {
			j.once(i, i > 0) // the first is a warm-up
		}
	}
	fmt.Printf("%-34s %10s %10s %10s\n", "median of "+strconv.Itoa(*runs), "CPU ms", "wall ms", "peak MiB")
	for _, j := range []*job{file, image, mounted} {
		fmt.Printf("%-34s %10s %10.1f %10.1f\n", j.name, j.cpuText(), ms(median(j.wall)), float64(j.peak)/1024)
	}
	fmt.Println()
	fmt.Printf("image / file: CPU %.2f, at most 3; wall %.2f\n", ratio(image.cpu, file.cpu), ratio(image.wall, file.wall))
	fmt.Printf("image - file: %.1f MiB of memory, at most 64\n", float64(image.peak-file.peak)/1024)
	fmt.Printf("image / mount: wall %.2f\n", ratio(image.wall, mounted.wall))
	fmt.Printf("bytes read of the image: %d, of which the hive has %d\n", b.bytesRead(*runs+1), b.size("SYSTEM"))
}

type bench struct{ dir string }

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) size(name string) int64 {
	info, err := os.Stat(b.path(name))
	if err != nil {
		log.Fatal(err)
	}
	return info.Size()
}

// patch returns what patches a target. Each run sets another value, so that
// there is something to do.
func (b *bench) patch(target string, more ...string) func(run int) *exec.Cmd {
	return func(run int) *exec.Cmd {
		arguments := append([]string{"patch", b.path(target), "--in-place", "--noninteractive", strconv.Itoa(1024 + run%2)}, more...)
		return exec.Command(b.path("hivepatch"), arguments...)
	}
}

// mounted is what one does without hivepatch's own reader of NTFS.
func (b *bench) mounted(run int) *exec.Cmd {
	return exec.Command("sh", "-ec", fmt.Sprintf(`
		device=$(losetup -f --show -o 1048576 %[1]s/disk.img)
		ntfs-3g $device %[1]s/mnt
		%[1]s/hivepatch patch %[1]s/mnt --in-place --no-backup --noninteractive %[2]d
		umount %[1]s/mnt
		losetup -d $device`, b.dir, 2048+run%2))
}

type job struct {
	name      string
	command   func(run int) *exec.Cmd
	cpu, wall []time.Duration
	peak      int64 // KiB
	mounts    bool
}

func (b *bench) job(name string, command func(run int) *exec.Cmd) *job {
	return &job{name: name, command: command, mounts: strings.Contains(name, "mount")}
}

func (j *job) once(run int, counts bool) {
	cmd := j.command(run)
	begun := time.Now()
	if text, err := cmd.CombinedOutput(); err != nil {
		log.Fatalf("%v: %v: %s", cmd.Args, err, text)
	}
	wall := time.Since(begun)
	if !counts {
		return
	}
	j.wall = append(j.wall, wall)
	j.cpu = append(j.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	j.peak = max(j.peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}

// cpuText is empty for a job of which a driver that is nobody's child does a
// part.
func (j *job) cpuText() string {
	if j.mounts {
		return "-"
	}
	return fmt.Sprintf("%.1f", ms(median(j.cpu)))
}

var returned = regexp.MustCompile(`(?m)= (\d+)$`)

// bytesRead counts what one patch reads of the image.
func (b *bench) bytesRead(run int) (total int64) {
	patch := b.patch("disk.img")(run)
	arguments := append([]string{"-f", "-qq", "-e", "trace=read,pread64", "-P", b.path("disk.img"), "-o", b.path("trace")}, patch.Args...)
	if text, err := exec.Command("strace", arguments...).CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, text)
	}
	trace, err := os.ReadFile(b.path("trace"))
	if err != nil {
		log.Fatal(err)
	}
	for _, match := range returned.FindAllStringSubmatch(string(trace), -1) {
		n, err := strconv.ParseInt(match[1], 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		total += n
	}
	return total
}

func ratio(a, b []time.Duration) float64 { return float64(median(a)) / float64(median(b)) }

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
