package main

import (
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

// editingReport is the result of a command that edits keys and values, in JSON a
// contract with scripts.
type editingReport struct {
	edit.Outcome
	Edits []editJSON `json:"edits"` // what was done; empty where there was nothing to do
}

// editJSON is one edit. Before and After are values as in valueJSON, but null
// where there is none, or texts: names of keys, classes, security descriptors in
// hexadecimal digits.
type editJSON struct {
	Action string     `json:"action"`
	Key    wtfString  `json:"key"`             // path, before the edit
	Value  *wtfString `json:"value,omitempty"` // name, before the edit
	Before any        `json:"before"`
	After  any        `json:"after"`
}

// Actions of edits, a contract with scripts.
const (
	actionCreateKey   = "create-key"
	actionDeleteKey   = "delete-key"
	actionMoveKey     = "move-key"
	actionRenameKey   = "rename-key"
	actionSetClass    = "set-class"
	actionSetSecurity = "set-security"
	actionSetValue    = "set-value"
	actionDeleteValue = "delete-value"
	actionRenameValue = "rename-value"
)

// changeList is what a command does to a hive, as it goes along.
type changeList struct {
	edits    []editJSON
	lines    []string // for people
	requires []func(written *hive.Hive) error
}

func (l *changeList) add(e editJSON) { l.edits = append(l.edits, e) }

// tell adds a line for people: a heading and what it is about.
func (l *changeList) tell(heading, format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf("%-11s %s", heading+":", fmt.Sprintf(format, args...)))
}

// nothing adds that there is nothing to do, and why.
func (l *changeList) nothing(format string, args ...any) {
	l.lines = append(l.lines, "nothing to do: "+fmt.Sprintf(format, args...))
}

// list is never nil, which would be null in JSON.
func (l *changeList) list() []editJSON { return append([]editJSON{}, l.edits...) }

func (l *changeList) print(r *reporter) {
	for _, line := range l.lines {
		r.line("%s", line)
	}
}

// Sizes of data that are shown whole: in JSON, and to people.
const (
	jsonData = 1 << 20
	lineData = 120
)

// shortValue is a value in JSON without data that would be too long for a report.
type shortValue struct {
	Name  wtfString `json:"name"`
	Type  string    `json:"type"`
	Size  int       `json:"size"`
	Value any       `json:"value"` // null
	Data  any       `json:"data"`  // null
}

// reportedValue is a value for editJSON.
func reportedValue(name string, kind hive.Type, data []byte) any {
	if len(data) > jsonData {
		return shortValue{Name: wtfString(name), Type: typeName(kind), Size: len(data)}
	}
	return valueJSON{Name: name, Type: kind, Data: data}
}

// shownData writes a value for people, cut where it would fill the screen.
func shownData(kind hive.Type, data []byte) string {
	if len(data) <= lineData {
		return typeName(kind) + " " + dataText(kind, data)
	}
	return fmt.Sprintf("%s %s... (%d bytes)", typeName(kind), dataText(kind, data[:lineData]), len(data))
}
