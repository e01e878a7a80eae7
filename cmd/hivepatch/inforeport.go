package main

import (
	"fmt"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/patch"
)

// infoReport is what info tells. Its JSON form is a contract with scripts.
type infoReport struct {
	Hive    infoHive         `json:"hive"`
	Logs    []patch.LogState `json:"logs"`
	Content infoContent      `json:"content"`
	Space   infoSpace        `json:"space"`
	Largest infoLargest      `json:"largest"`
}

// infoHive is the header of the hive.
type infoHive struct {
	patch.HiveState
	Name            wtfString `json:"name"`
	LastWritten     *string   `json:"last_written"`     // null where Windows does not keep it up
	LastReorganized *string   `json:"last_reorganized"` // null where it never was
	Flags           uint32    `json:"flags"`
	Marks           []string  `json:"marks"`
	RM              string    `json:"resource_manager"`
	Log             string    `json:"log"`
	TM              string    `json:"transaction_manager"`
}

// infoContent counts what the hive is for.
type infoContent struct {
	Keys        int        `json:"keys"`
	Depth       int        `json:"depth"`
	Classes     int        `json:"class_names"`
	Values      int        `json:"values"`
	BigValues   int        `json:"big_values"`
	DataBytes   int64      `json:"data_bytes"`
	Descriptors int        `json:"security_descriptors"`
	Types       []infoType `json:"types"`
}

type infoType struct {
	Type   string `json:"type"`
	Values int    `json:"values"`
	Bytes  int64  `json:"bytes"`
}

// infoSpace counts what it is made of.
type infoSpace struct {
	Bins        int         `json:"bins"`
	BinBytes    int64       `json:"bin_bytes"`
	FreeBins    int         `json:"free_bins"`
	BadBytes    int64       `json:"bad_bytes"`
	Trailing    int64       `json:"trailing_bytes"`
	Allocated   infoCount   `json:"allocated"`
	Use         infoUse     `json:"use"`
	Free        infoCount   `json:"free"`
	LargestFree int64       `json:"largest_free"`
	FreeSizes   []infoClass `json:"free_sizes"`
}

type infoCount struct {
	Cells int   `json:"cells"`
	Bytes int64 `json:"bytes"`
}

type infoClass struct {
	UpTo int64 `json:"up_to"`
	infoCount
}

type infoUse struct {
	Keys        infoCount `json:"keys"`
	SubkeyLists infoCount `json:"subkey_lists"`
	Values      infoCount `json:"values"`
	ValueLists  infoCount `json:"value_lists"`
	Data        infoCount `json:"data"`
	BigData     infoCount `json:"big_data"`
	Classes     infoCount `json:"class_names"`
	Security    infoCount `json:"security"`
	Lost        infoCount `json:"lost"`
}

// namedCount is a count with what it is of.
type namedCount struct {
	name string
	infoCount
}

func (u infoUse) list() []namedCount {
	return []namedCount{
		{"keys", u.Keys}, {"lists of subkeys", u.SubkeyLists}, {"values", u.Values}, {"lists of values", u.ValueLists},
		{"data", u.Data}, {"records of big data", u.BigData}, {"class names", u.Classes},
		{"security descriptors", u.Security}, {"lost", u.Lost},
	}
}

// infoLargest names the largest keys and values.
type infoLargest struct {
	Values      []infoValueRank `json:"values"`
	Subkeys     []infoKeyRank   `json:"subkeys"`
	ValueCounts []infoKeyRank   `json:"value_counts"`
}

type infoValueRank struct {
	Path wtfString `json:"path"`
	Name wtfString `json:"name"`
	Type string    `json:"type"`
	Size int64     `json:"size"`
}

type infoKeyRank struct {
	Path  wtfString `json:"path"`
	Count int       `json:"count"`
}

func newInfo(file *hivefile.File, stats *hive.Stats) *infoReport {
	info := &infoReport{
		Hive: newInfoHive(file),
		Logs: []patch.LogState{},
		Content: infoContent{
			Keys: stats.Keys, Depth: stats.Depth, Classes: stats.Classes, Values: stats.Values, BigValues: stats.BigValues,
			DataBytes: stats.DataBytes, Descriptors: stats.Descriptors, Types: []infoType{},
		},
		Space: newInfoSpace(stats),
		Largest: infoLargest{
			Values:  []infoValueRank{},
			Subkeys: keyRanks(stats.MostSubkeys), ValueCounts: keyRanks(stats.MostValues),
		},
	}
	for _, log := range file.Logs {
		info.Logs = append(info.Logs, patch.LogState{
			Path: log.Name, Size: log.Size, Format: log.Format.String(),
			Entries: log.Entries, First: log.First, Last: log.Last, Problem: log.Problem,
		})
	}
	for _, count := range stats.Types {
		info.Content.Types = append(info.Content.Types, infoType{typeName(count.Type), count.Values, count.Bytes})
	}
	for _, value := range stats.LargestValues {
		info.Largest.Values = append(info.Largest.Values,
			infoValueRank{wtfString(value.Path), wtfString(value.Name), typeName(value.Type), value.Size})
	}
	return info
}

func newInfoHive(file *hivefile.File) infoHive {
	header := file.Hive.Header()
	return infoHive{
		HiveState: patch.HiveState{
			Path: file.Name(), Size: file.Size, Version: fmt.Sprintf("%d.%d", header.Major, header.Minor),
			Sequence1: file.Sequence1, Sequence2: file.Sequence2,
			Clean: file.Dirty == "", ReplayedEntries: file.Replayed,
		},
		Name: wtfString(header.FileName), LastWritten: timeText(header.LastWritten), LastReorganized: timeText(header.LastReorganized),
		Flags: uint32(header.Flags), Marks: marks(header), RM: header.RM, Log: header.Log, TM: header.TM,
	}
}

// timeText writes a time that a hive may have or not.
func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := string(appendTime(nil, t))
	return &text
}

func newInfoSpace(stats *hive.Stats) infoSpace {
	use := stats.Use
	space := infoSpace{
		Bins: stats.Bins, BinBytes: stats.BinBytes, FreeBins: stats.FreeBins, BadBytes: stats.BadBytes, Trailing: stats.Trailing,
		Allocated: infoCount(stats.Allocated), Free: infoCount(stats.Free), LargestFree: stats.Largest, FreeSizes: []infoClass{},
		Use: infoUse{
			Keys: infoCount(use.Keys), SubkeyLists: infoCount(use.SubkeyLists),
			Values: infoCount(use.Values), ValueLists: infoCount(use.ValueLists),
			Data: infoCount(use.Data), BigData: infoCount(use.BigData),
			Classes: infoCount(use.Classes), Security: infoCount(use.Security), Lost: infoCount(use.Lost),
		},
	}
	for _, class := range stats.FreeSizes {
		space.FreeSizes = append(space.FreeSizes, infoClass{class.UpTo, infoCount(class.CellCount)})
	}
	return space
}

func keyRanks(ranks []hive.KeyRank) []infoKeyRank {
	list := []infoKeyRank{}
	for _, rank := range ranks {
		list = append(list, infoKeyRank{wtfString(rank.Path), rank.Count})
	}
	return list
}
