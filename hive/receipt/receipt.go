// Package receipt has the receipts of changes to hives: what was done to which
// file, with what tool, and how that was verified. They are JSON, and Schema
// describes all of them.
package receipt

import (
	_ "embed"
	"fmt"
	"time"

	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// Format is the version of the format.
const Format = 1

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of receipts.
func Schema() []byte { return append([]byte(nil), schema...) }

// Receipt is about one run of a command on one target.
type Receipt struct {
	Format      int        `json:"receipt"`
	ToolVersion string     `json:"tool_version"`
	Command     string     `json:"command"`
	Arguments   []string   `json:"arguments"`
	Options     []string   `json:"options"` // --name=value
	Target      *string    `json:"target"`  // null for a command that has none
	Started     *time.Time `json:"started"` // null for a target of a batch that was not begun
	Ended       *time.Time `json:"ended"`
	DryRun      bool       `json:"dry_run"`
	ExitCode    *int       `json:"exit_code"` // null for a target that was not begun
	Error       *string    `json:"error"`
	Hint        *string    `json:"hint"`
	Hives       []*Hive    `json:"hives"` // in the order in which they were read
}

// Hive is what became of a hive.
type Hive struct {
	Path          string              `json:"path"` // "-" for a stream
	Before        *State              `json:"before"`
	After         *State              `json:"after"`   // null where it did not come to that
	Changed       bool                `json:"changed"` // After is not Before
	Written       bool                `json:"written"`
	Output        *string             `json:"output"`
	InPlace       *edit.InPlace       `json:"in_place"`
	ChangedRanges []edit.ChangedRange `json:"changed_ranges"`
	Replayed      Replay              `json:"replayed"`
	Findings      Findings            `json:"findings"`
	VerifiedBy    []string            `json:"verified_by"`
	Warnings      []string            `json:"warnings"`
}

// State is a hive file at one time.
type State struct {
	Size      int64  `json:"size"` // bytes
	SHA256    string `json:"sha256"`
	Sequence1 uint32 `json:"sequence1"`
	Sequence2 uint32 `json:"sequence2"`
	Dirty     string `json:"dirty"` // why it needs its logs; "" for a clean one
}

// Replay is what was taken from the transaction logs.
type Replay struct {
	Entries int   `json:"entries"` // that were applied
	Logs    []Log `json:"logs"`    // that were found
}

// Log is a transaction log.
type Log struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"` // bytes
	Format  string `json:"format"`
	Entries int    `json:"entries"`
	First   uint32 `json:"first"` // sequence numbers of its entries
	Last    uint32 `json:"last"`
	Problem string `json:"problem"` // why it counts for nothing; "" for a sound one
}

// Findings is what the check found before the edit.
type Findings struct {
	Counts edit.Counts `json:"counts"`
	List   []Finding   `json:"list"` // of levels F and L, the first hundred each
}

// Finding is one of them.
type Finding struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	Offset  int64  `json:"offset"`
	Path    string `json:"path"` // of the key, "" for none
	Message string `json:"message"`
}

// Loaded adds a hive that was read. One of the same path takes the place of the
// one before.
func (r *Receipt) Loaded(file *hivefile.File) *Hive {
	h := NewHive(file.Name())
	h.Before = &State{
		Size: file.Size, SHA256: fmt.Sprintf("%x", file.SHA256),
		Sequence1: file.Sequence1, Sequence2: file.Sequence2, Dirty: file.Dirty,
	}
	h.Replayed.Entries = file.Replayed
	for _, log := range file.Logs {
		h.Replayed.Logs = append(h.Replayed.Logs, Log{log.Name, log.Size, log.Format.String(), log.Entries, log.First, log.Last, log.Problem})
	}
	r.Add(h)
	return h
}

// Add adds a hive. One of the same path takes the place of the one before.
func (r *Receipt) Add(h *Hive) {
	for i, known := range r.Hives {
		if known.Path == h.Path {
			r.Hives[i] = h
			return
		}
	}
	r.Hives = append(r.Hives, h)
}

// NewHive is a hive of which nothing is known but where it lies.
func NewHive(path string) *Hive {
	return &Hive{
		Path: path, ChangedRanges: []edit.ChangedRange{}, VerifiedBy: []string{}, Warnings: []string{},
		Replayed: Replay{Logs: []Log{}}, Findings: Findings{List: []Finding{}},
	}
}

// Edited says what came out of an edit, before it is saved.
func (h *Hive) Edited(o *edit.Outcome) {
	h.Changed = o.Changed
	h.After = &State{Size: o.SizeAfter, SHA256: o.SHA256After, Sequence1: o.SequenceAfter, Sequence2: o.SequenceAfter}
	h.ChangedRanges = append(h.ChangedRanges, o.ChangedRanges...)
	h.VerifiedBy = append(h.VerifiedBy, o.VerifiedBy...)
	h.Warnings = append(h.Warnings, o.Warnings...)
	h.Findings.Counts = o.Counts
	h.list(o.Grave)
}

// Saved says where the hive went.
func (h *Hive) Saved(o *edit.Outcome) {
	h.Output, h.InPlace = o.Output, o.InPlace
	h.Written = o.Output != nil && (o.InPlace == nil || o.InPlace.Way != string(hivefile.WayNone))
	h.Warnings = append(h.Warnings[:0], o.Warnings...)
}

// Damaged says why a hive was refused.
func (h *Hive) Damaged(found edit.Findings) {
	h.Findings.Counts = found.Number()
	h.list(found.Grave())
}

func (h *Hive) list(findings []check.Finding) {
	h.Findings.List = h.Findings.List[:0]
	for _, f := range findings {
		h.Findings.List = append(h.Findings.List, Finding{f.Code, string(f.Level), f.Offset, f.Path, f.Message})
	}
}
