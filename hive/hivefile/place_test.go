package hivefile

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// filePlaces are the places of a dirty hive in a folder, which both ways of
// naming it lead to.
func filePlaces(t *testing.T) (dir string, places map[string]Place) {
	t.Helper()
	dir = folderOf(t, dirtyFiles("SYSTEM"))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	places = map[string]Place{
		"file": FilePlace(filepath.Join(dir, "SYSTEM")),
		"tree": TreePlace(FolderTree(root), "SYSTEM"),
	}
	for _, place := range places {
		t.Cleanup(func() { require.NoError(t, place.Close()) })
	}
	return dir, places
}

func TestPlaces(t *testing.T) {
	for _, kind := range []string{"file", "tree"} {
		t.Run(kind, func(t *testing.T) {
			dir, places := filePlaces(t)
			place, ctx := places[kind], context.Background()
			require.Equal(t, filepath.Join(dir, "SYSTEM"), place.Name())
			source, err := place.Read()
			require.NoError(t, err)
			require.True(t, bytes.Equal(hivetest.DirtyWindows10().Primary, source.Data))

			require.NoError(t, place.Lock(ctx, 0))
			require.NoError(t, place.Lock(ctx, 0), "it is locked already")
			_, err = LockHive(ctx, place.Name(), 0)
			require.ErrorIs(t, err, ErrLocked)

			file, err := place.Load(LoadOptions{})
			require.NoError(t, err)
			require.Positive(t, file.Replayed, "with the logs beside it")
			edit(t, file, 100)
			placed, err := place.Save(ctx, file, InPlaceOptions{Time: placeTime})
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, placeName), placed.Backup)
			after, err := place.Load(LoadOptions{})
			require.NoError(t, err)
			require.True(t, bytes.Equal(file.Hive.Bytes(), after.Hive.Bytes()))

			_, err = LockHive(ctx, place.Name(), 0)
			require.ErrorIs(t, err, ErrLocked, "it stays locked after it was saved")
			require.NoError(t, place.Close())
			require.NoError(t, place.Close())
			lock, err := LockHive(ctx, place.Name(), 0)
			require.NoError(t, err)
			lock.Release()
		})
	}
}

// TestPlaceSavesWithoutLock: whoever has not locked the hive is kept from it by
// those who have.
func TestPlaceSavesWithoutLock(t *testing.T) {
	_, places := filePlaces(t)
	ctx := context.Background()
	require.NoError(t, places["file"].Lock(ctx, 0))
	file, err := places["tree"].Load(LoadOptions{})
	require.NoError(t, err)
	edit(t, file, 100)
	_, err = places["tree"].Save(ctx, file, InPlaceOptions{Time: placeTime})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, places["file"].Close())
	_, err = places["tree"].Save(ctx, file, InPlaceOptions{Time: placeTime})
	require.NoError(t, err)
}

// TestTreePlaceStaysInTheTree: what has become a link out of the tree is not
// read.
func TestTreePlaceStaysInTheTree(t *testing.T) {
	tree, inside, outside := newTree(t)
	place := TreePlace(tree, filepath.Join("config", "SYSTEM"))
	_, err := place.Load(LoadOptions{})
	require.NoError(t, err)
	path := filepath.Join(inside, "config", "SYSTEM")
	require.NoError(t, os.Remove(path))
	requireSymlink(t, filepath.Join(outside, "SYSTEM"), path)
	_, err = place.Load(LoadOptions{})
	require.Error(t, err)
	_, err = place.Read()
	require.Error(t, err)
	_, err = FilePlace(path).Read()
	require.NoError(t, err, "whoever names the link means what it leads to")
}

func TestStreamPlace(t *testing.T) {
	data := hivetest.Windows10().Build().Data
	ctx := context.Background()
	newPlace := func() Place { return StreamPlace("standard input", bytes.NewReader(data)) }
	place := newPlace()
	require.Equal(t, "standard input", place.Name())
	file, err := place.Load(LoadOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, file.Hive.Bytes()))
	require.ErrorIs(t, place.Lock(ctx, 0), ErrNotRegular)
	_, err = place.Save(ctx, file, InPlaceOptions{})
	require.ErrorIs(t, err, ErrNotRegular)
	for _, read := range []func(place Place) error{
		func(place Place) error { _, err := place.Read(); return err },
		func(place Place) error { _, err := place.Load(LoadOptions{}); return err },
	} {
		place := newPlace()
		require.NoError(t, read(place))
		require.EqualError(t, read(place), "standard input: it has been read already")
	}
	require.NoError(t, place.Close())
}
