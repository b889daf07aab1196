public class StackArray { public static unsafe int First() { int* p = stackalloc int[4]; return p[0]; } }
