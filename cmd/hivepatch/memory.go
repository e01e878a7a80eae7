package main

import (
	"runtime/debug"
	"sync"

	"hivepatch/hive/hivefile"
)

// programMemory is what the program needs besides hives, in bytes.
const programMemory = 16 << 20

// batchMemory is what a batch needs besides hives, in bytes: the list of targets,
// and room for garbage from one collection to the next. Without it thousands of
// targets have garbage collected all the time.
const batchMemory = 32 << 20

// memoryLimit has garbage collected in time in spite of the high percentage that
// main sets: the runs of a batch that are under way get by with what they allow
// themselves together.
type memoryLimit struct {
	mutex   sync.Mutex
	allowed int64 // by the runs that are under way, in bytes
	set     int64
	rising  bool // the limit does not fall before the end: setting it stops the program for a moment
}

// allowMemory says how much memory the run needs now, in bytes; it takes the
// place of what the run has said before.
func (env *environment) allowMemory(bytes int64) {
	if env.memory == nil {
		env.memory = &memoryLimit{}
	}
	env.memory.change(bytes - env.allowed)
	env.allowed = bytes
}

// limitMemory allows twice a hive that was loaded.
func (env *environment) limitMemory(file *hivefile.File) {
	if file != nil {
		env.allowMemory(2 * file.Size)
	}
}

func (l *memoryLimit) change(bytes int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.allowed += bytes
	if l.allowed == l.set || l.rising && l.allowed < l.set {
		return
	}
	l.set = l.allowed
	debug.SetMemoryLimit(l.set + programMemory)
}
