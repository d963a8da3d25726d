package emulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const installFirestore = "--store firestore needs the Firestore emulator: " +
	"install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and a Java runtime, " +
	"then run: gcloud components install cloud-firestore-emulator. --store embedded needs neither"

const emulatorMain = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"

// startStore starts what the functions' store needs and returns the environment that
// leads them to it. Should it end before stop is called, so does ctx, by cancel.
func (d *deployment) startStore(
	ctx context.Context, cancel context.CancelCauseFunc,
) (extra map[string]string, stop func(), err error) {
	if d.Store != Firestore {
		return nil, func() {}, nil
	}
	events, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	receiver := &shim{ctx: ctx, deliver: d.deliver, log: d.log}
	server := &http.Server{Handler: receiver, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(events) }()
	emulator, host, err := startEmulator(ctx, events.Addr().String())
	if err == nil {
		err = d.registerTriggers(ctx, host)
	}
	if err != nil {
		if emulator != nil {
			emulator.stop()
		}
		return nil, nil, errors.Join(err, server.Close())
	}
	stopped := make(chan struct{})
	go func() {
		select {
		case <-stopped:
		case <-emulator.done:
			cancel(fmt.Errorf("the Firestore emulator ended and all records with it: %w", emulator.failure()))
		}
	}()
	return map[string]string{"FIRESTORE_EMULATOR_HOST": host}, func() {
		close(stopped)
		emulator.stop()
		_ = server.Close()
	}, nil
}

// emulatorJar finds the emulator's own program, because gcloud's command does not offer
// its events.
func emulatorJar(ctx context.Context) (string, error) {
	for _, program := range []string{"java", "gcloud"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%s is not installed: %s", program, installFirestore)
		}
	}
	root, err := exec.CommandContext(ctx, "gcloud", "info", "--format=value(installation.sdk_root)").Output()
	if err != nil {
		return "", fmt.Errorf("gcloud info: %w; %s", err, installFirestore)
	}
	directory := filepath.Join(strings.TrimSpace(string(root)), "platform", "cloud-firestore-emulator")
	jar := filepath.Join(directory, "cloud-firestore-emulator.jar")
	if _, err := os.Stat(jar); err != nil {
		return "", errors.New(installFirestore)
	}
	return jar, nil
}

// startEmulator starts the emulator, which sends its events to the address events, and
// waits until it answers.
func startEmulator(ctx context.Context, events string) (*process, string, error) {
	jar, err := emulatorJar(ctx)
	if err != nil {
		return nil, "", err
	}
	host, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command("java", "-Duser.language=en", "-cp", jar, emulatorMain,
		"--host=127.0.0.1", "--port="+port, "--functions_emulator="+events)
	p, err := start(cmd, &lineWriter{w: io.Discard})
	if err != nil {
		return nil, "", err
	}
	if err := answers(ctx, p, host); err != nil {
		p.stop()
		return nil, "", fmt.Errorf("start the Firestore emulator: %w", err)
	}
	return p, host, nil
}

// registerTriggers tells the emulator whose changes are events.
func (d *deployment) registerTriggers(ctx context.Context, host string) error {
	setting, _ := d.settings("STORE")
	owner, database, named := strings.Cut(strings.TrimPrefix(setting, "firestore:"), "/")
	if !named {
		database = "(default)"
	}
	for i, pattern := range triggers {
		body, err := json.Marshal(map[string]any{
			"eventType": "google.cloud.firestore.document.v1.written", "database": database, "namespace": "(default)",
			"document": map[string]string{"value": pattern, "matchType": "PATH_PATTERN"},
		})
		if err != nil {
			return err
		}
		target := fmt.Sprintf("http://%s/emulator/v1/projects/%s/eventarcTrigger?eventarcTriggerId=t%d",
			host, url.PathEscape(owner), i)
		if err := post(ctx, target, body); err != nil {
			return fmt.Errorf("register trigger %s: %w", pattern, err)
		}
	}
	return nil
}

func post(ctx context.Context, target string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s: %s", resp.Status, said)
	}
	return nil
}
