package main

import (
	"io"
	"os"
	"sync"
)

// messages are what the program tells on standard error. Whoever ends the
// program has the last of them.
type messages struct {
	file  *os.File
	mutex sync.Mutex
}

func (m *messages) Write(message []byte) (int, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.file.Write(message)
}

// last returns what the last message is written to: all others wait for the end
// of the program from now on.
func (m *messages) last() io.Writer {
	m.mutex.Lock()
	return m.file
}
