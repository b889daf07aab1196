public class FixedPointer { public static unsafe int First(int[] a) { fixed (int* p = &a[0]) { return *p; } } }
