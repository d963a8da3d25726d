package toolbox

import (
	"archive/zip"
	"bytes"
	"os"
)

// Release is what [Packages] says that its packages are of.
const Release = "v1.2.3-rc.1+build"

// Package writes a small zip that stands for a function's package. Equal
// content gives equal bytes.
func Package(path, content string) error {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	f, err := z.CreateHeader(&zip.FileHeader{Name: "function.go", Method: zip.Deflate})
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte("// " + content + "\n")); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
