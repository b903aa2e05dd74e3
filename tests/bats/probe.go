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
	fmt.Println("done=1")
}
