public class FunctionPointer { public static unsafe int Call(delegate*<int, int> f) { return f(1); } }
