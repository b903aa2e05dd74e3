// SPDX-License-Identifier: GPL-2.0-or-later
//
// stack: .*;start_thread;.*
public class Lang {
	interface Shape { int area(int n); }

	static int leaf(int n)
	{
		for (int i = 0; i < 2000; i++)
			n = n * 31 ^ i;
		return n;
	}

	static int deep(int n, Shape s) { return n > 0 ? deep(n - 1, s) + n : s.area(n); }

	public static void main(String[] args) throws Exception
	{
		String ms = System.getenv("MATRIX_MS");
		String idle = System.getenv("MATRIX_IDLE_MS");
		Thread.sleep(Long.parseLong(idle == null ? "300" : idle));
		long end = System.nanoTime() + Long.parseLong(ms == null ? "500" : ms) * 1000000;
		int sum = 0;
		while (System.nanoTime() < end) {
			sum += deep(30, n -> leaf(n) + 1);
			sum += String.format("%d %s", sum, "text").length();
		}
		System.setProperty("sum", "" + sum);
	}
}
