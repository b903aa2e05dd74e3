# SPDX-License-Identifier: GPL-2.0-or-later
# The same as known.py. Functions in C are no frames of the interpreter's; they are told where their caller is.
IN_C = %w[+ <=> []= call catch coerce each eval fork format hash instance_eval instance_exec map max method_missing new send sort throw to_s].freeze
MS = (ENV['KNOWN_MS'] || 120).to_f / 1000

def cpu
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

# From 3.4 on it has its class before it, which is no part of the frame's own name, and none of what is rescued or evaluated.
LESS = RUBY_VERSION >= '3.4'

def name(location)
  location.label.sub(/[\w:]+[#.](?=[^ ]+$)/, '')
end

def say
  at = caller_locations(1)
  at = at.each_with_index.reject do |l, i|
    IN_C.include?(name(l)) && (at[i + 1].nil? || l.path.nil? || [l.path, l.lineno] == [at[i + 1].path, at[i + 1].lineno])
  end
  $stdout.syswrite("stack #{at.map { |l, _| "#{name(l)}@#{l.path}:#{l.lineno}" }.join(';')}\n")
end

# The interpreter is called for each of the block's calls.
def spin
  say; finish = cpu + MS; x = 1; 50.times { |i| x = x * 3 + i & 0xffffff } while cpu < finish
  1
end

def plain
  spin
end

class Thing
  include Comparable
  attr_reader :n

  def initialize(n = 0, loud: false)
    @n = n
    spin if loud
  end

  def each
    spin
    yield 1
  end

  def to_s
    spin
    'thing'
  end

  def <=>(other)
    spin
    n <=> other.n
  end

  def coerce(other)
    spin
    [other, 1]
  end

  def hash
    spin
    1
  end

  def method_missing(name, *args)
    name == :ghost ? spin : super
  end

  def respond_to_missing?(*)
    false
  end

  def self.made
    new(1, loud: true)
  end

  define_method(:by_block) { |x| spin + x }
end

def blocks
  [1].each { |x| [x].map { |y| plain + y } }
end

def yields
  yield 2
end

def by_name
  Object.new.send(:plain)
  method(:plain).call
  [1].map(&method(:proc_of))
end

def proc_of(_)
  ->(x) { spin + x }.call(1)
end

def operators
  format('%s', Thing.new)
  "#{Thing.new}"
  [Thing.new(2), Thing.new(1)].sort
  1 + Thing.new
  {}[Thing.new] = 1
  Thing.new.ghost
  Thing.new.by_block(1)
  Thing.new.each { |x| x }
  Thing.made
end

def raised
  begin
    raise 'x'
  rescue RuntimeError
    spin unless LESS
  ensure
    spin
  end
end

def thrown
  catch(:done) { [1].each { catch(:other) { throw :done, spin } } }
end

def evaluated
  eval("spin\n") unless LESS
  instance_eval { spin }
  Thing.new.instance_exec(1) { |x| plain + x }
end

def recurse(n)
  n > 0 ? recurse(n - 1) : spin
end

def recurse_in_c(n)
  n > 0 ? [n - 1].each { |x| recurse_in_c(x) } : spin
end

def fiber
  Fiber.new { [1].each { plain } }.resume
  e = Enumerator.new { |y| y << plain }
  e.next
end

def multi
  [1,
   spin,
   3].max
end

sleep((ENV['MATRIX_IDLE_MS'] || 1500).to_i / 1000.0)
plain
blocks
yields { |x| spin + x }
by_name
operators
raised
thrown
evaluated
recurse(60)
recurse_in_c(12)
fiber
multi
Thread.new { blocks }.join
Process.wait(fork { plain })
at_exit { plain }
