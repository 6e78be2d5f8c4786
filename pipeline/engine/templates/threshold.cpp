{# Which neurons are above threshold, as bytes: a branch per neuron would keep the loop from being vectorised. #}
{% extends 'common_group.cpp' %}
{% block signature %}{{ function }}(std::int64_t begin, std::int64_t end, char* __restrict crossed){% endblock %}
{% block loop %}
{# Without it, so many arrays that could overlap keep the compiler from vectorising the loop. #}
#pragma GCC ivdep  // no two arrays overlap
    for (std::int64_t _idx = begin; _idx < end; ++_idx) {
        {{ vector_code|text|indent(8) }}
        crossed[_idx - begin] = _cond;
    }
{% endblock %}
