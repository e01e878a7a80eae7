// Package imagetest builds disk images for tests from nothing, with programs of
// others: mkntfs and ntfs-3g make the volumes and write the files, sfdisk and
// fdisk write the partition tables. So nothing in an image stems from the code
// that is tested with it.
//
// Where the programs are missing tests are skipped, unless HIVEPATCH_REQUIRE_PEERS
// is 1.
package imagetest
