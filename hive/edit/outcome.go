package edit

import (
	"crypto/sha256"
	"fmt"

	"hivepatch/hive/check"
)

// Outcome is what became of a hive file. Its JSON form is a contract with
// scripts.
type Outcome struct {
	Changed         bool           `json:"changed"` // the new hive differs from the old file
	Output          *string        `json:"output"`  // null for a dry run
	InPlace         *InPlace       `json:"in_place,omitempty"`
	ReplayedEntries int            `json:"replayed_entries"`
	SequenceBefore  uint32         `json:"sequence_before"` // primary sequence number
	SequenceAfter   uint32         `json:"sequence_after"`  // both sequence numbers
	SizeBefore      int64          `json:"size_before"`     // bytes
	SizeAfter       int64          `json:"size_after"`
	ChangedRanges   []ChangedRange `json:"changed_ranges"`
	SHA256Before    string         `json:"sha256_before"` // "" where the file was loaded without its digest
	SHA256After     string         `json:"sha256_after"`
	VerifiedBy      []string       `json:"verified_by"`
	Counts          Counts         `json:"counts"` // what the check found before the edit
	Warnings        []string       `json:"warnings"`

	// Grave are the findings of levels F and L before the edit, the first hundred
	// of each.
	Grave []check.Finding `json:"-"`
}

// InPlace is how a hive was replaced where it lay.
type InPlace struct {
	Way         string   `json:"way"`       // "none", "replace", "pages" or "image"
	WhyPages    string   `json:"why_pages"` // why not "replace"
	Backup      string   `json:"backup"`    // path of the old hive, "" for none
	KeptLogs    []string `json:"kept_logs"` // paths of the copies of its logs
	CleanedLogs []string `json:"cleaned_logs"`
}

// ChangedRange is a run of bytes of the file that differ.
type ChangedRange struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	What   string `json:"what"`
}

// Counts is the number of findings of each level.
type Counts struct {
	Fatal      int `json:"F"`
	Limited    int `json:"L"`
	Convention int `json:"C"`
	Warning    int `json:"W"`
}

// Number counts the findings of each level.
func (f Findings) Number() Counts {
	return Counts{f.Counts[check.Fatal], f.Counts[check.Limited], f.Counts[check.Convention], f.Counts[check.Warning]}
}

func (d *Draft) outcome() *Outcome {
	first, _ := d.Hive.Sequences()
	o := &Outcome{
		ReplayedEntries: d.file.Replayed,
		SequenceBefore:  d.file.Sequence1,
		SequenceAfter:   first,
		SizeBefore:      d.file.Size,
		SizeAfter:       int64(len(d.Hive.Bytes())),
		VerifiedBy:      d.verifiedBy,
		ChangedRanges:   []ChangedRange{},
		Warnings:        append([]string{}, d.warnings...),
		Counts:          d.before.Number(),
		Grave:           d.before.Grave(),
	}
	if d.digested() {
		o.SHA256Before = fmt.Sprintf("%x", d.file.SHA256)
		o.SHA256After = o.SHA256Before
	}
	var ranges []ChangedRange
	for _, change := range d.Hive.Changes() {
		ranges = append(ranges, ChangedRange{change.Offset, change.Length, change.What})
	}
	o.setChanged(ranges, d.Hive.Bytes(), d.digested())
	return o
}

// digested reports whether the digests of the hive are wanted: that of the file
// was taken, or there is no file.
func (d *Draft) digested() bool { return d.file.Size == 0 || d.file.SHA256 != [sha256.Size]byte{} }

// setChanged says which runs of bytes have changed, and what came out.
func (o *Outcome) setChanged(ranges []ChangedRange, after []byte, digest bool) {
	if o.Changed = len(ranges) > 0; o.Changed {
		o.ChangedRanges = ranges
		if digest {
			o.SHA256After = fmt.Sprintf("%x", sha256.Sum256(after))
		}
	}
}
