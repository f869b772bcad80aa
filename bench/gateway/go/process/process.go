// Package process lets a benchmark start a server, ask what it has used, and end it.
package process

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Serve prints where it listens, answers each line on standard input with what
// this process has used until then, and ends with the input.
func Serve(handler http.Handler) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, handler)) }()
	fmt.Printf("http://%s\n", listener.Addr())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Printf("{\"cpuMicros\":%d,\"rssBytes\":%d}\n", cpuMicros(), rssBytes())
	}
}

func cpuMicros() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	micros := func(time syscall.Timeval) int64 { return int64(time.Sec)*1_000_000 + int64(time.Usec) }
	return micros(usage.Utime) + micros(usage.Stime)
}

// Linux says what is resident now. Elsewhere it is 0: unknown.
func rssBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}
