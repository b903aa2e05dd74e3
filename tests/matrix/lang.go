// SPDX-License-Identifier: GPL-2.0-or-later
//
// Go: goroutines, an interface, the library's sort, which calls back, copying, a garbage to be collected, a panic that is recovered.
//
// stack: .*;runtime\.goexit(\.abi0)?$
// stack: .*;(runtime\.(mstart|rt0_go|mcall|systemstack|morestack|gogo|asmcgocall|sigreturn)[^;]*|_rt0_amd64_linux)$
package main

import (
	"os"
	"sort"
	"strconv"
	"time"
)

type shape interface{ area(n uint64) uint64 }
type square struct{ a uint64 }

//go:noinline
func (s *square) area(n uint64) uint64 { return leaf(s.a+n) + s.a }

//go:noinline
func leaf(n uint64) uint64 {
	for i := uint64(0); i < 2000; i++ {
		n = n*31 ^ i
	}
	return n
}

//go:noinline
func deep(n uint64, s shape) uint64 {
	if n > 0 {
		return deep(n-1, s) + n
	}
	return s.area(n)
}

func recovers() (r int) {
	defer func() {
		if recover() != nil {
			r = 1
		}
	}()
	panic("recovered")
}

func work(end time.Time, done chan uint64) {
	var sum uint64
	from, to := make([]byte, 4096), make([]byte, 4096)
	for time.Now().Before(end) {
		sum += deep(30, &square{3})
		v := make([]int, 500)
		for i := range v {
			v[i] = i * 7919 % 101
		}
		sort.Slice(v, func(a, b int) bool { return v[a] < v[b] })
		for i := 0; i < 100; i++ {
			copy(to, from)
		}
		sum += uint64(v[0] + recovers() + int(to[1]))
	}
	done <- sum
}

func main() {
	ms, err := strconv.Atoi(os.Getenv("MATRIX_MS"))
	if err != nil {
		ms = 500
	}
	idle, err := strconv.Atoi(os.Getenv("MATRIX_IDLE_MS"))
	if err != nil {
		idle = 300
	}
	time.Sleep(time.Duration(idle) * time.Millisecond)
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	done := make(chan uint64)
	go work(end, done)
	work2 := make(chan uint64)
	go work(end, work2)
	<-done
	<-work2
}
