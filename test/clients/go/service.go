// Package clients holds what grpc-go, as it is today, sees of the service.
package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// service is the service in a process of its own.
type service struct {
	address string
	command *exec.Cmd
	mutex   sync.Mutex
	log     bytes.Buffer
	ended   chan struct{}
}

// freePort gives a port at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// startService runs PAYMENT_SIM, a command line, at the port and waits until it is ready.
func startService(t *testing.T, port string, variables ...string) *service {
	t.Helper()
	words := strings.Fields(os.Getenv("PAYMENT_SIM"))
	if len(words) == 0 {
		t.Fatal("PAYMENT_SIM must be the command that runs the service")
	}
	arguments := append(words[1:], "--host", "127.0.0.1", "--port", port, "--health-port", "0", "--delay", "200ms")
	self := &service{
		address: "127.0.0.1:" + port,
		command: exec.Command(words[0], arguments...),
		ended:   make(chan struct{}),
	}
	self.command.Env = append(append(os.Environ(), "EVENTBRIDGE=off"), variables...)
	output, err := self.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.command.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go self.read(bufio.NewScanner(output), ready)
	t.Cleanup(func() {
		self.command.Process.Kill()
		<-self.ended
	})
	select {
	case <-ready:
	case <-self.ended:
		t.Fatal("the service has ended: " + self.logged())
	case <-time.After(30 * time.Second):
		t.Fatal("the service is not ready")
	}
	return self
}

func (self *service) read(lines *bufio.Scanner, ready chan struct{}) {
	defer close(self.ended)
	for lines.Scan() {
		self.mutex.Lock()
		fmt.Fprintln(&self.log, lines.Text())
		self.mutex.Unlock()
		if strings.Contains(lines.Text(), `"Payment Sim is ready"`) {
			close(ready)
		}
	}
	self.command.Wait()
}

func (self *service) logged() string {
	self.mutex.Lock()
	defer self.mutex.Unlock()
	return self.log.String()
}

// errors are the lines of the log from warn on.
func (self *service) errors() []string {
	var found []string
	for _, line := range strings.Split(strings.TrimSpace(self.logged()), "\n") {
		var fields struct{ Level string }
		if json.Unmarshal([]byte(line), &fields) != nil || fields.Level != "info" {
			found = append(found, line)
		}
	}
	return found
}

// terminate asks it to end, as Kubernetes does.
func (self *service) terminate() {
	self.command.Process.Signal(syscall.SIGTERM)
}

// stop ends it and waits.
func (self *service) stop() {
	self.terminate()
	<-self.ended
}
