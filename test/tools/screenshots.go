package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/postern-dev/postern/test/kit/tool"
)

// screenshots writes pictures of every page into docs/screenshots.
func screenshots(root string) error {
	chromium, err := tool.Chromium.Path()
	if err != nil {
		return err
	}
	if err := npmInstall(filepath.Join(root, "test", "npm")); err != nil {
		return err
	}
	address, stop, err := preview(root)
	if err != nil {
		return fmt.Errorf("postern pages preview: %w", err)
	}
	defer stop()
	script := filepath.Join(root, "test", "npm", "screenshots.mjs")
	return show(root, "node", script, chromium, address, filepath.Join(root, "docs", "screenshots"))
}

// preview starts postern pages preview and returns its address.
func preview(root string) (address string, stop func(), err error) {
	cmd := exec.Command("go", "run", "./cmd/postern", "pages", "preview", "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run hands no signal on
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, err
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "Pages: ")), stop, nil
}
