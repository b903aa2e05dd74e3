# SPDX-License-Identifier: GPL-2.0-or-later
#
# stack: (.*;)?<main>;
def leaf(n)
  200.times { |i| n = (n * 31 ^ i) & 0xffff }
  n
end

class Square
  def area(n)
    [n, n + 1].map { |x| leaf(x) }.sum
  end
end

def deep(n, s)
  n > 0 ? deep(n - 1, s) + n : s.area(n)
end

def cpu
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

sleep((ENV['MATRIX_IDLE_MS'] || 300).to_i / 1000.0)
over = cpu + (ENV['MATRIX_MS'] || 500).to_i / 1000.0
while cpu < over
  deep(30, Square.new)
  ([3, 1, 2] * 20).sort_by { |x| -x }
  begin
    Integer('x')
  rescue ArgumentError
    format('%05d %s', 3, :text).gsub(/t/) { |m| m.upcase }
  end
end
