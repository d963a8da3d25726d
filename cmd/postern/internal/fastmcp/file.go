package fastmcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// infoSuffix ends the name of the file that says which collection a directory is: names of
// directories are sanitised.
const infoSuffix = "-info.json"

// readFiles reads a tree of files: a directory for each collection, a file for each key.
// Names of files are sanitised too, so what is in them says which client it is.
func readFiles(dir, asked string) ([]document, error) {
	directories, err := collectionsOf(dir)
	if err != nil {
		return nil, err
	}
	var there []string
	for collection := range directories {
		there = append(there, collection)
	}
	collection, err := choose(there, asked)
	if err != nil {
		return nil, errors.Join(err, below(dir, len(there)))
	}
	in := filepath.Join(dir, directories[collection])
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil, err
	}
	var out []document
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(in, e.Name()))
		if errors.Is(err, fs.ErrNotExist) { // the old server runs and removed it
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, document{key: e.Name(), body: body})
	}
	return out, nil
}

// collectionsOf returns the directory of each collection below dir, by the files that say so.
// The directory they name is where the old server had it, and need not be here.
func collectionsOf(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	directories := map[string]string{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), infoSuffix)
		if !ok {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		var info struct{ Collection string }
		if err := json.Unmarshal(data, &info); err != nil || info.Collection == "" {
			return nil, fmt.Errorf("%s does not say which collection it is about", filepath.Join(dir, e.Name()))
		}
		directories[info.Collection] = name
	}
	return directories, nil
}

// below helps where dir holds no collections: FastMCP 3 and later make a directory for each
// key in its home, and that is the store.
func below(dir string, collections int) error {
	if collections > 0 {
		return nil
	}
	stores, err := filepath.Glob(filepath.Join(dir, "*", "*"+infoSuffix))
	if err != nil || len(stores) == 0 {
		return nil
	}
	return fmt.Errorf("FastMCP keeps one store for each key in directories below, such as --from file:%s",
		filepath.Dir(stores[0]))
}
