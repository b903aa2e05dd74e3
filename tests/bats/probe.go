// SPDX-License-Identifier: GPL-2.0-or-later
// A program of Go whose functions are called a known number of times, for probe.bats: stacks grow and move, functions panic.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

//go:noinline
func work(n int, s string, small int8) (int, string) {
	if n%2 == 0 {
		return -n, s
	}
	time.Sleep(time.Millisecond)
	return n * 2, s
}

type rec struct {
	name  string
	id    int32
	share float64
	tags  []byte
}

// kinds has arguments in registers of both kinds, and on the stack where nine are taken, or it is an array.
//go:noinline
func kinds(r rec, ratio float64, p *rec, pair [2]int32, a, b, c int, last string) (string, error) {
	return last[:len(last)-1] + p.name[:1] + string(r.tags[:1]), nil
}

// deep makes the stack grow, which moves it.
//go:noinline
func deep(n int) int {
	var pad [256]byte
	pad[n%256] = byte(n)
	if n == 0 {
		return int(pad[0])
	}
	r := deep(n-1) + 1
	if n == 500 {
		runtime.Gosched()
		runtime.GC()
	}
	return r + int(pad[(n+1)%256])
}

//go:noinline
func fails(n int) (r int) {
	defer func() { recover(); r = 7 }()
	return inner(n)
}

//go:noinline
func inner(n int) int {
	if n > 0 {
		panic("no")
	}
	return 1
}

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	fmt.Println("ready=1")
	<-c
	var wg sync.WaitGroup
	for g := 0; g < 20; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			for i := 0; i < 50; i++ {
				work(g*100+i, "text", int8(-g))
			}
			deep(1000)
			fails(g)
			inner(0)
		}(g)
	}
	wg.Wait()
	p := rec{"pointed at", 7, 0.5, nil}
	kinds(rec{"some name", -3, 1.5, []byte("tags of it")[:4]}, 2.5, &p, [2]int32{11, -12}, 1, 2, 3, "the last")
	fmt.Println("done=1")
}
