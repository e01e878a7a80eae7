package imagetest

import "strings"

// fragments is how many a torn hive has on the disk at least, if it is a real one.
const fragments = 50

// Windows are the files of an installation: a hive SYSTEM in many fragments, a
// hive SOFTWARE in one run, and files that are empty or lie in their records.
func Windows(small, large []byte) []File {
	return windows(small, large, func(path string) string { return path })
}

// windows spells the folders of the hives as some version of Windows does.
func windows(small, large []byte, spelling func(string) string) []File {
	return []File{
		{Path: spelling("Windows/System32/config/SYSTEM"), Data: large, Fragments: min(fragments, len(large)/65536/2)},
		{Path: spelling("Windows/System32/config/SOFTWARE"), Data: small},
		{Path: "empty", Data: nil},
		{Path: "resident", Data: []byte("short")},
	}
}

// Kinds are the kinds of images that must work alike, by their names.
func Kinds(small, large []byte) map[string]Spec {
	usual := Windows(small, large)
	lower := windows(small, large, strings.ToLower)
	upper := windows(small, large, strings.ToUpper)
	one := func(table Table, sector, cluster int, files []File) Spec {
		return Spec{Table: table, SectorSize: sector, ClusterSize: cluster, Volumes: []Volume{{Files: files}}}
	}
	return map[string]Spec{
		"volume, clusters of 512":   one(None, 512, 512, usual),
		"volume, clusters of 4096":  one(None, 512, 4096, upper),
		"volume, clusters of 65536": one(None, 512, 65536, lower),
		"volume, sectors of 4096":   one(None, 4096, 4096, usual),
		"MBR":                       one(MBR, 512, 4096, upper),
		"MBR, sectors of 4096":      one(MBR, 4096, 4096, lower),
		"GPT":                       one(GPT, 512, 4096, lower),
		"GPT, sectors of 4096":      one(GPT, 4096, 65536, upper),
		"extended partition, two installations": {Table: Extended, Volumes: []Volume{
			{Files: usual}, {Files: lower}}},
		"extended partition, sectors of 4096": {Table: Extended, SectorSize: 4096, Volumes: []Volume{
			{Files: upper}, {Files: usual}}},
	}
}
