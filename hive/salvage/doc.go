// Package salvage reads what is left in damaged hives and in the free space of
// sound ones.
//
// [Hive] makes a new, sound hive of a damaged one. It takes a record for what it
// is only where something else in the hive agrees:
//
//   - Keys that the lists of subkeys lead to are kept where they are. Where two
//     lists name a key, it belongs to the one that it names as its parent.
//   - A key that no list leads to is put below the key that it names as its
//     parent, if the list of that key is damaged. Where the list is whole, the
//     key was deleted, and stays so.
//   - A tree of keys whose way up is lost, and a key that has the name of a
//     sibling, go below a key named [Container], each under its own name and the
//     offset of its record: nobody takes them for something else there, and
//     nothing is lost.
//   - Values are kept with all their data or not at all.
//   - A key without a readable security descriptor gets that of its parent.
//
// All that was lost, left out or concluded is in the [Report].
//
// [Deleted] lists keys and values that still stand in free cells.
//
// Everything here takes hostile input: time and memory grow with the size of the
// hive only.
package salvage
